"""A block pool as vLLM has it, block by block: what `engine.kv_cache` must be equal to.

One free queue; a map from a block's content to the blocks that hold it, oldest first. The
content of a block is everything up to its end.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

Token = Hashable


class BlockPool:
    """Blocks of ``size`` tokens, held by requests under a name."""

    def __init__(self, blocks: int, size: int) -> None:
        self.size = size
        self.queue = list(range(blocks))  # taken from the front
        self.content: dict[int, tuple[Token, ...]] = {}
        self.holding: dict[tuple[Token, ...], list[int]] = {}
        self.held: dict[str, list[int]] = {}
        self.holders: dict[int, int] = dict.fromkeys(range(blocks), 0)

    @property
    def free(self) -> int:
        """Blocks without an owner."""
        return len(self.queue)

    @property
    def cached(self) -> int:
        """Distinct contents."""
        return len(self.holding)

    def find(self, tokens: Sequence[Token]) -> list[int]:
        """Blocks of the longest cached prefix, the last token excepted."""
        found = []
        for end in range(self.size, len(tokens), self.size):
            blocks = self.holding.get(tuple(tokens[:end]))
            if not blocks:
                break
            found.append(blocks[0])
        return found

    def ownerless(self, blocks: Sequence[int]) -> int:
        """How many of the blocks nobody holds."""
        return sum(not self.holders[block] for block in blocks)

    def adopt(self, name: str, blocks: Sequence[int]) -> None:
        """Give a request the blocks that it found."""
        self.held[name] = list(blocks)
        for block in blocks:
            if not self.holders[block]:
                self.queue.remove(block)
            self.holders[block] += 1

    def take(self, name: str, blocks: int) -> None:
        """Give a request blocks from the front of the queue; what they held is forgotten."""
        for _ in range(blocks):
            block = self.queue.pop(0)
            content = self.content.pop(block, None)
            if content is not None:
                self.holding[content].remove(block)
                if not self.holding[content]:
                    del self.holding[content]
            self.holders[block] = 1
            self.held[name].append(block)

    def register(self, name: str, tokens: Sequence[Token]) -> None:
        """Enter a request's full blocks with these tokens."""
        for index, block in enumerate(self.held[name][: len(tokens) // self.size]):
            if block not in self.content:
                content = tuple(tokens[: (index + 1) * self.size])
                self.content[block] = content
                self.holding.setdefault(content, []).append(block)

    def release(self, name: str) -> None:
        """Take all blocks from a request, its last one first."""
        for block in reversed(self.held.pop(name)):
            self.holders[block] -= 1
            if self.holders[block]:
                continue
            if block in self.content:
                self.queue.append(block)
            else:
                self.queue.insert(0, block)
