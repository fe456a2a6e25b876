"""First come first served and fair shares: the fluid model, steps by hand, max-min fairness over paths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simulator.engine.link import Link, LinkPlan, Path
from simulator.engine.timing import Appointment, NsEnvironment
from simulator.engine.transfer import FairShare, InTurn, Transfer, max_min_rates

GB_PER_S = 1e9


def sojourns(discipline, sends, latency_ns=0):
    """Times in flight of (time, bytes) transfers over one link of 1 byte/ns [ns]."""
    env = NsEnvironment()
    path = Path.over(Link(LinkPlan(GB_PER_S, latency_ns)))
    carrier = discipline(env)
    times = {}
    for index, (time, size) in enumerate(sends):

        def send(event, index=index, size=size):
            begun = env.now
            carrier.send(path, size, lambda: times.__setitem__(index, env.now - begun))

        Appointment(env, time, send)
    env.run()
    return [times[i] for i in range(len(sends))], path.links[0]


def fluid(sends):
    """Processor sharing, worked out from arrival to arrival."""
    order = sorted(range(len(sends)), key=lambda i: sends[i][0])
    left, done, now = {}, {}, 0.0
    while order or left:
        next_arrival = sends[order[0]][0] if order else np.inf
        first = min(left, key=left.get) if left else None
        ends = now + left[first] * len(left) if left else np.inf
        until = min(next_arrival, ends)
        for i in left:
            left[i] -= (until - now) / len(left)
        now = until
        if ends <= next_arrival:
            done[first] = now - sends[first][0]
            del left[first]
        else:
            left[order[0]] = float(sends[order[0]][1])
            order.pop(0)
    return [done[i] for i in range(len(sends))]


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 9_000)), min_size=1, max_size=15))
def test_one_link_is_the_fluid_model(sends):
    found, link = sojourns(FairShare, sends)
    assert found == pytest.approx(fluid(sends), abs=len(sends) + 1)
    assert link.bytes_sent == sum(size for _, size in sends)


def test_the_mean_time_is_that_of_processor_sharing():
    """M/G/1 with processor sharing: E[T] = E[S] / (1 - load), whatever the sizes."""
    random = np.random.default_rng(4)
    load, mean = 0.7, 10_000.0
    sizes = np.where(random.random(30_000) < 0.9, 0.5 * mean, 5.5 * mean)
    times = np.cumsum(random.exponential(mean / load, 30_000)).astype(int)
    found, _ = sojourns(FairShare, list(zip(times.tolist(), sizes.tolist(), strict=True)))
    assert np.mean(found[3000:]) == pytest.approx(mean / (1 - load), rel=0.05)


def test_in_turn_the_first_is_done_before_the_second_begins():
    assert sojourns(InTurn, [(0, 1000), (0, 1000)])[0] == [1000, 2000]
    assert sojourns(FairShare, [(0, 1000), (0, 1000)])[0] == [2000, 2000]


def test_the_latency_is_paid_once_and_takes_no_bandwidth():
    assert sojourns(FairShare, [(0, 1000), (1000, 1000)], latency_ns=700)[0] == [1700, 1700]


def test_who_is_held_up_elsewhere_leaves_the_rest_to_others():
    wide, narrow = Link(LinkPlan(10.0)), Link(LinkPlan(2.0))
    both = Transfer(Path.over(wide, narrow), 1.0, lambda: None)
    alone = Transfer(Path.over(wide), 1.0, lambda: None)
    assert max_min_rates([both, alone]) == {both: 2.0, alone: 8.0}


def path_at_most(bytes_per_s, links):
    return Path(tuple(links), (bytes_per_s / links[0].bytes_per_s,) + (1.0,) * (len(links) - 1), 0)


@given(
    st.lists(st.floats(1.0, 100.0), min_size=1, max_size=5),
    st.lists(
        st.tuples(st.sets(st.integers(0, 4), min_size=1), st.floats(1.0, 200.0)), min_size=1, max_size=8
    ),
)
def test_rates_are_max_min_fair(bandwidths, flows):
    """Nobody can get more without taking from someone who has no more: each has a bottleneck."""
    links = [Link(LinkPlan(bandwidth)) for bandwidth in bandwidths]
    transfers = [
        Transfer(path_at_most(most, [links[i] for i in {i % len(links) for i in used}]), 1.0, lambda: None)
        for used, most in flows
    ]
    rates = max_min_rates(transfers)
    used = {link: sum(rates[t] for t in transfers if link in t.path.links) for link in links}
    assert all(used[link] <= link.bytes_per_s * (1 + 1e-9) for link in links)
    for transfer in transfers:
        at_limit = rates[transfer] >= transfer.path.bytes_per_s * (1 - 1e-9)
        bottleneck = any(
            used[link] >= link.bytes_per_s * (1 - 1e-9)
            and rates[transfer] >= max(rates[t] for t in transfers if link in t.path.links) * (1 - 1e-9)
            for link in transfer.path.links
        )
        assert at_limit or bottleneck


def test_a_cancelled_transfer_leaves_its_share_to_the_others():
    env = NsEnvironment()
    path = Path.over(Link(LinkPlan(GB_PER_S)))
    carrier = FairShare(env)
    arrived = []
    carrier.send(path, 1000, lambda: arrived.append(env.now))
    other = carrier.send(path, 1000, lambda: arrived.append(env.now))
    unsent = []
    Appointment(env, 1000, lambda _: unsent.append(carrier.cancel(other)))  # both have sent 500
    env.run()
    assert arrived == [1500]
    assert unsent == [pytest.approx(500)]


def test_a_link_counts_of_a_cancelled_transfer_what_had_left_and_has_the_rest_of_its_room():
    env = NsEnvironment()
    path = Path.over(link := Link(LinkPlan(GB_PER_S, latency_ns=100)))
    carrier = FairShare(env)
    cut = carrier.send(path, 1000, lambda: None)
    Appointment(env, 300, lambda _: carrier.cancel(cut))
    Appointment(env, 1000, lambda _: None)
    env.run()
    assert link.bytes_sent == pytest.approx(300)
    assert link.room_between(0, 1000) == pytest.approx(700)


def test_what_has_left_is_not_taken_back_although_it_never_arrives():
    env = NsEnvironment()
    path = Path.over(link := Link(LinkPlan(GB_PER_S, latency_ns=100)))
    carrier = FairShare(env)
    late = carrier.send(path, 1000, lambda: None)
    Appointment(env, 1050, lambda _: carrier.cancel(late))  # on its way
    env.run()
    assert link.bytes_sent == 1000


def in_turn(*plans):
    """A fifo carrier, links of these widths [bytes/ns], and whoever has arrived, with the time."""
    env = NsEnvironment()
    links = [Link(LinkPlan(width * GB_PER_S)) for width in plans]
    arrived = {}

    def send(name, size, *path):
        return carrier.send(Path.over(*path), size, lambda: arrived.__setitem__(name, env.now))

    carrier = InTurn(env)
    return env, carrier, links, send, arrived


def test_a_cancelled_transfer_gives_up_its_turn():
    env, carrier, (link,), send, arrived = in_turn(1)
    send("first", 1000, link)
    second = send("second", 1000, link)
    send("third", 1000, link)
    unsent = []
    Appointment(env, 500, lambda _: unsent.append(carrier.cancel(second)))
    env.run()
    carrier.settle([link])
    assert arrived == {"first": 1000, "third": 2000}
    assert unsent == [1000]
    assert (link.bytes_sent, link.busy_ns) == (2000, 2000)


def test_what_a_cancelled_transfer_has_sent_stays_sent_and_the_next_begins_at_once():
    env, carrier, (link,), send, arrived = in_turn(1)
    first = send("first", 1000, link)
    send("second", 1000, link)
    unsent = []
    Appointment(env, 300, lambda _: unsent.append(carrier.cancel(first)))
    env.run()
    carrier.settle([link])
    assert arrived == {"second": 1300}
    assert unsent == [pytest.approx(700)]
    assert link.bytes_sent == pytest.approx(1300)
    assert link.busy_ns == 1300


def test_who_waits_for_another_link_begins_when_the_one_before_it_there_is_cancelled():
    env, carrier, (near, far), send, arrived = in_turn(1, 1)
    long = send("long", 5000, far)
    send("both", 1000, near, far)
    send("behind", 1000, near)  # in turn, although nothing moves on its link
    Appointment(env, 2000, lambda _: carrier.cancel(long))
    env.run()
    carrier.settle([near, far])
    assert arrived == {"both": 3000, "behind": 4000}
    assert near.busy_ns == 2000
    assert far.busy_ns == 3000


@given(
    st.lists(
        st.tuples(st.integers(0, 20_000), st.integers(1, 9_000), st.none() | st.integers(0, 30_000)),
        min_size=1,
        max_size=12,
    )
)
def test_in_turn_with_cancellations_is_the_queue_without_the_cancelled(sends):
    """One server, work that leaves the line: worked out from one arrival to the next."""
    sends = sorted(sends, key=lambda send: send[0])
    env, carrier, (link,), send, arrived = in_turn(1)
    for index, (time, size, patience) in enumerate(sends):

        def come(_, index=index, size=size, patience=patience):
            transfer = send(index, size, link)
            if patience is not None:
                Appointment(env, patience, lambda _: index in arrived or carrier.cancel(transfer))

        Appointment(env, time, come)
    env.run()
    free_at, expected, carried = 0, {}, 0
    for index, (time, size, patience) in enumerate(sends):
        begin = max(free_at, time)
        deadline = float("inf") if patience is None else time + patience
        assume(deadline not in (begin, begin + size))
        if deadline < begin:
            continue
        free_at = min(begin + size, deadline)
        carried += free_at - begin
        if free_at < deadline:
            expected[index] = free_at
    assert arrived == expected
    assert link.bytes_sent == pytest.approx(carried)


def test_a_cancellation_costs_the_same_however_long_the_line_is():
    """Nobody behind gets another appointment before it is their turn."""
    env, carrier, (link,), send, arrived = in_turn(1)
    waiting = [send(number, 1000, link) for number in range(1000)]
    before = next(env._eid)
    for transfer in waiting[:-1]:
        carrier.cancel(transfer)
    assert next(env._eid) - before <= 1001
    env.run()
    assert arrived == {999: 1000}


@pytest.mark.parametrize("discipline", [FairShare, InTurn])
def test_time_goes_on_until_the_last_byte_is_there_and_no_further(discipline):
    """What was to happen while many shared the link is void once that has changed."""
    env = NsEnvironment()
    path = Path.over(Link(LinkPlan(GB_PER_S)))
    carrier = discipline(env)
    arrived = []
    sent = [carrier.send(path, 1000, lambda: arrived.append(env.now)) for _ in range(100)]
    for other in sent[1:]:
        Appointment(env, 50, lambda _, other=other: carrier.cancel(other))
    while env.advance(1):
        pass
    assert env.now == arrived[-1] < 2000
    assert env.background == 0


@pytest.mark.parametrize("discipline", [FairShare, InTurn])
def test_a_wide_link_has_room_for_all_that_a_narrow_one_keeps_off_it(discipline):
    """What a link could have carried besides is its width less the rate of what is on it."""
    env = NsEnvironment()
    wide, narrow = Link(LinkPlan(10 * GB_PER_S)), Link(LinkPlan(GB_PER_S))
    carrier = discipline(env)
    cut = carrier.send(Path.over(wide, narrow), 1000, lambda: None)
    rooms = []
    Appointment(env, 200, lambda _: (carrier.settle([wide]), rooms.append(wide.room_between(100, 200))))
    Appointment(env, 300, lambda _: carrier.cancel(cut))
    Appointment(env, 1000, lambda _: rooms.append(wide.room_between(0, 1000)))
    env.run()
    taken = 1 if discipline is FairShare else 10  # in turn it has the whole link to itself
    assert rooms == [pytest.approx(100 * (10 - taken)), pytest.approx(10_000 - 300 * taken)]
    assert narrow.room_between(0, 1000) == pytest.approx(700)
    assert (wide.bytes_sent, wide.busy_ns) == (pytest.approx(300), 300)


def changing(discipline, sends, paces):
    """Like `sojourns`; the link is ``factor`` times slower from each (time, factor) on."""
    env = NsEnvironment()
    link = Link(LinkPlan(GB_PER_S))
    carrier = discipline(env)
    done = {}
    for index, (time, size) in enumerate(sends):

        def send(_, index=index, size=size):
            carrier.send(Path.over(link), size, lambda: done.__setitem__(index, env.now))

        Appointment(env, time, send)
    for time, factor in paces:

        def change(_, factor=factor):
            carrier.change_pace([link], factor)

        Appointment(env, time, change)
    while env.advance(1):
        pass
    return done, link


def capacity(paces):
    """When a link of 1 byte/ns that is slower now and then has carried how much: two increasing columns."""
    times, carried, rate = [0.0], [0.0], 1.0
    for time, factor in [*paces, (1e9, 1.0)]:
        carried.append(carried[-1] + (time - times[-1]) * rate)
        times.append(float(time))
        rate = 1 / factor
    return np.array(times), np.array(carried)


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 9_000)), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(1, 30_000), st.sampled_from([1.0, 2.0, 3.0, 10.0])), max_size=5),
)
def test_a_shared_link_whose_width_changes_is_the_fluid_model_in_the_time_that_its_capacity_makes(
    sends, paces
):
    """Processor sharing knows no time but what it carries: the fluid model with bytes for a clock."""
    paces = sorted(dict(paces).items())
    times, carried = capacity(paces)
    arrivals = [float(np.interp(time, times, carried)) for time, _ in sends]
    spent = fluid([(at, size) for at, (_, size) in zip(arrivals, sends, strict=True)])
    expected = [float(np.interp(at + took, carried, times)) for at, took in zip(arrivals, spent, strict=True)]
    found, link = changing(FairShare, sends, paces)
    assert [found[i] for i in range(len(sends))] == pytest.approx(expected, abs=10 * len(sends) + 1)
    assert link.bytes_sent == sum(size for _, size in sends)
    free = float(np.interp(max(found.values()), times, carried)) - link.bytes_sent
    now = max([*found.values(), *(time for time, _ in paces)])
    assert link.room_between(0, now) == pytest.approx(
        free + _room_after(found, paces, times, carried), abs=50
    )


def _room_after(found, paces, times, carried):
    """What passes between the last arrival and the last change of pace, when time ends."""
    last = max(found.values())
    end = max([last, *(time for time, _ in paces)])
    return float(np.interp(end, times, carried) - np.interp(last, times, carried))


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 9_000)), min_size=1, max_size=8),
    st.lists(st.tuples(st.integers(1, 30_000), st.sampled_from([1.0, 2.0, 3.0, 10.0])), max_size=5),
)
def test_in_turn_a_link_whose_width_changes_works_off_its_line_at_what_it_has(sends, paces):
    paces = sorted(dict(paces).items())
    sends = sorted(sends, key=lambda send: send[0])
    times, carried = capacity(paces)
    found, _ = changing(InTurn, sends, paces)
    through = 0.0
    for index, (time, size) in enumerate(sends):
        through = max(through, float(np.interp(time, times, carried))) + size
        assert found[index] == pytest.approx(float(np.interp(through, carried, times)), abs=10 * index + 11)


OVER = st.sampled_from([(0,), (1,), (0, 1), (1, 2)])


@given(
    st.lists(
        st.tuples(st.integers(0, 20_000), st.integers(1, 9_000), OVER, st.none() | st.integers(1, 40_000)),
        min_size=1,
        max_size=12,
    ),
    st.dictionaries(
        st.integers(1, 30_000), st.tuples(st.integers(0, 2), st.sampled_from([1.0, 3.0])), max_size=4
    ),
)
def test_over_a_network_in_turn_who_is_first_everywhere_moves(sends, paces):
    """Stepped through by hand, 1 byte or a third of one at a time; whoever has lost patience is gone."""
    env = NsEnvironment()
    links = [Link(LinkPlan(GB_PER_S)) for _ in range(3)]
    carrier, found, unsent = InTurn(env), {}, {}

    def send(index, size, over, patience):
        path = Path.over(*(links[i] for i in over))
        transfer = carrier.send(path, size, lambda: found.__setitem__(index, env.now))
        if patience is not None:
            Appointment(env, patience, lambda _: index in found or lose(index, transfer))

    def lose(index, transfer):
        unsent[index] = carrier.cancel(transfer)

    for index, one in enumerate(sends):
        Appointment(env, one[0], lambda _, one=(index, *one[1:]): send(*one))
    for time, (number, factor) in paces.items():
        Appointment(env, time, lambda _, one=([links[number]], factor): carrier.change_pace(*one))
    env.run()
    carrier.settle(links)
    expected, left, busy = one_by_one(sends, paces)
    close = 3 * len(sends) + 3
    for index, patience in enumerate(one[3] for one in sends):
        if patience is None or abs(expected.get(index, np.inf) - sends[index][0] - patience) > close:
            assert found.get(index) == pytest.approx(expected.get(index), abs=close)
            assert unsent.get(index, 0) == pytest.approx(left.get(index, 0), abs=close)
    assert [link.busy_ns for link in links] == pytest.approx(busy, abs=2 * close)
    for number, link in enumerate(links):
        over = [index for index, one in enumerate(sends) if number in one[2]]
        assert link.bytes_sent == pytest.approx(sum(sends[i][1] - unsent.get(i, 0) for i in over))
        assert not link.flows


def one_by_one(sends, paces):
    """When each transfer is through, what is left of those given up, and how long links were busy [ns]."""
    order = sorted(range(len(sends)), key=lambda index: sends[index][0])
    changes = sorted(paces.items())
    line, left, rates, now = [], {}, [1.0] * 3, 0
    done, lost, busy = {}, {}, [0.0] * 3
    gone = {i: one[0] + one[3] for i, one in enumerate(sends) if one[3] is not None}
    while order or line:
        first = [
            i for i in line if not any(set(sends[i][2]) & set(sends[j][2]) for j in line[: line.index(i)])
        ]
        speed = {i: min(rates[link] for link in sends[i][2]) for i in first}
        times = [now + left[i] / speed[i] for i in first] + [gone[i] for i in line if i in gone]
        times += [sends[order[0]][0]] if order else []
        times += [changes[0][0]] if changes else []
        until = min(times)
        for i in first:
            left[i] -= (until - now) * speed[i]
            for link in sends[i][2]:
                busy[link] += until - now
        now = until
        for i in list(line):
            if left[i] < 1e-6:
                done[i] = now
            elif gone.get(i, np.inf) <= now:
                lost[i] = left[i]
            else:
                continue
            line.remove(i)
        while changes and changes[0][0] <= now:
            number, factor = changes.pop(0)[1]
            rates[number] = 1 / factor
        while order and sends[order[0]][0] <= now:
            line.append(order.pop(0))
            left[line[-1]] = float(sends[line[-1]][1])
    return done, lost, busy


@given(
    st.lists(
        st.tuples(st.integers(0, 20_000), st.integers(1, 9_000), OVER),
        min_size=1,
        max_size=12,
    ),
    st.lists(st.tuples(st.integers(1, 30_000), st.integers(0, 2), st.sampled_from([1.0, 3.0])), max_size=4),
)
def test_over_a_network_rates_hold_from_one_event_to_the_next(sends, paces):
    """Stepped through by hand: max-min rates until the first is through; links meet and part again."""
    env = NsEnvironment()
    links = [Link(LinkPlan(GB_PER_S)) for _ in range(3)]
    carrier, found = FairShare(env), {}

    def send(index, size, over):
        path = Path.over(*(links[i] for i in over))
        carrier.send(path, size, lambda: found.__setitem__(index, env.now))

    def change(number, factor):
        carrier.change_pace([links[number]], factor)

    sends = sorted(sends, key=lambda one: one[0])
    paces = sorted({time: (number, factor) for time, number, factor in paces}.items())
    for index, (time, size, over) in enumerate(sends):
        Appointment(env, time, lambda _, one=(index, size, over): send(*one))
    for time, (number, factor) in paces:
        Appointment(env, time, lambda _, one=(number, factor): change(*one))
    env.run()
    expected = by_hand(sends, paces)
    assert [found[i] for i in range(len(sends))] == pytest.approx(expected, abs=3 * len(sends) + 1)


def by_hand(sends, paces):
    """When each transfer over links of 1 byte/ns is through [ns]."""
    links = [Link(LinkPlan(1.0)) for _ in range(3)]
    coming = [(time, index, None) for index, (time, _, _) in enumerate(sends)]
    coming += [(time, None, change) for time, change in paces]
    coming.sort(key=lambda one: one[0])
    under_way, done, now = {}, {}, 0.0
    while coming or under_way:
        transfers = {
            index: Transfer(Path.over(*(links[i] for i in sends[index][2])), left, lambda: None)
            for index, left in under_way.items()
        }
        rates = max_min_rates(transfers.values())
        ends = {index: now + under_way[index] / rates[transfers[index]] for index in under_way}
        first = min(ends, key=ends.get) if ends else None
        until = min(ends[first] if ends else np.inf, coming[0][0] if coming else np.inf)
        for index in under_way:
            under_way[index] -= (until - now) * rates[transfers[index]]
        now = until
        if first is not None and ends[first] <= until:
            done[first] = now
            del under_way[first]
            continue
        _, index, change = coming.pop(0)
        if index is not None:
            under_way[index] = float(sends[index][1])
        else:
            links[change[0]].change_pace(change[1], round(now))
    return [done[i] for i in range(len(sends))]
