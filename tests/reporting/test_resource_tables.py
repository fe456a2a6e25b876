"""Tables of what was used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.reporting.resource_tables import transfer_tables
from simulator.results.link_kinds import INTO_RACKS, OWN
from simulator.results.recording import LinkRecording, TransferRecording
from tests.results.recordings import MS, S, one_server, result


def test_links_say_how_full_and_how_long_busy_they_were_on_average_and_at_most():
    recording = one_server(np.arange(4.0))
    end_ns = recording.end_ns
    several = LinkRecording(OWN.name, 2, 1e9, 4, 0.5 * end_ns, end_ns // 2, 0.4 * end_ns, end_ns // 3)
    one = LinkRecording(INTO_RACKS.name, 1, 1e9, 4, 0.5 * end_ns, end_ns // 4, 0.5 * end_ns, end_ns // 4)
    carried = TransferRecording(6, 4, 1, 1, 1e9, 4 * S, 0, 0, (several, one), alone_ns=40 * MS)
    (table,) = transfer_tables(result(replace(recording, transfers=carried)))
    rows = dict(table.rows)
    assert rows["Transfers"] == "6 (1 failed, 1 cancelled)"
    assert rows["Mean time of a transfer"] == "1.00 s"
    assert rows["If it were alone"] == "10.0 ms"
    assert rows["2 links out of a prefill replica"] == (
        "1.00 GB/s each, used 25 % (the fullest 40 %), busy 25 % (the longest 33.3 %)"
    )
    assert rows["1 link into racks"] == "1.00 GB/s each, used 50 %, busy 25 %"
