"""KV-cache blocks of one replica: allocation, prefix caching and eviction as in vLLM's V1 engine.

vLLM keeps every block in one free queue. Blocks without a hash go to its front when they
are freed and are reused first; cached ones go to its back, the tail of a sequence before
its head, and are evicted from the front (LRU). A block's identity is the chain of the
tokens before it. Two requests that compute the same block at once keep both copies; a
look-up returns the older.

Here runs of blocks are kept instead of blocks, so that the cost follows the number of
requests and shared prefixes, not the number of blocks: a radix tree of contents (`Node`),
physical runs of blocks that hold a prefix of a node's content (`Copy`), and the cached part
of the free queue as a linked list of copies. Blocks without a hash are only counted: they
are interchangeable. Two facts make this exact: a request holds all blocks before a block
that it holds, and frees its tail first; so a cached block's prefix outlives it, and every
eviction shortens a leaf of the tree from its end.

Source: behaviour of vLLM 0.32.0 (block_pool.py, single_type_kv_cache_manager.py), held by the
golden traces and by a property test against a per-block model.
"""

from __future__ import annotations

from collections.abc import Hashable

from simulator.engine.content import Content, block_key, common_tokens, content_slice
from simulator.engine.request import Request


class Node:
    """A run of blocks with the same content after the same prefix."""

    __slots__ = ("blocks", "children", "content", "copies", "growers", "key", "parent", "stale_tail")

    def __init__(self, parent: Node | None, key: Hashable, content: Content, blocks: int) -> None:
        self.parent = parent
        self.key = key
        self.content = content
        self.blocks = blocks  # the longest copy
        self.children: dict[Hashable, Node] = {}
        self.copies: list[Copy] = []  # oldest first
        self.growers: set[Request] | None = None  # decoding requests whose blocks end here
        self.stale_tail = False  # content goes on beyond `blocks` because of an eviction


class Copy:
    """Physical blocks that hold the first ``blocks`` blocks of a node's content."""

    __slots__ = ("after", "before", "blocks", "holders", "node")

    before: Copy
    after: Copy

    def __init__(self, node: Node, blocks: int, holders: set[Request]) -> None:
        self.node = node
        self.blocks = blocks
        self.holders = holders


_NOBODY: set[Request] = set()

#: Copies found for a prompt, with the number of their blocks that hit.
Hits = list[tuple[Copy, int]]


class KVCache:
    """The block pool of one replica.

    Attributes
    ----------
    usable
        Blocks that requests can use (vLLM: num_gpu_blocks - 1).
    free
        Blocks with no owner, cached or not.
    cached
        Distinct block contents in the prefix cache.
    shared
        Holders of blocks beyond the first of each block: what counting every request's blocks counts too
        often.
    """

    __slots__ = (
        "_blank",
        "_queue",
        "_root",
        "_settling",
        "block_size",
        "cached",
        "caching",
        "free",
        "prefix_may_grow",
        "shared",
        "usable",
    )

    def __init__(self, usable: int, block_size: int, caching: bool) -> None:
        self.usable = usable
        self.block_size = block_size
        self.caching = caching
        self.free = usable
        self.cached = self.shared = 0
        self.prefix_may_grow = False  # a running request may yet lengthen what the last look-up found
        self._settling = False
        self._blank = usable  # free blocks without a hash: the front of the free queue
        self._root = Node(None, None, (), 0)
        self._queue = Copy(self._root, 0, set())  # ring of free copies; its `after` is evicted first
        self._queue.before = self._queue.after = self._queue

    # -- look-up and admission -------------------------------------------------------------

    def lookup(self, request: Request) -> tuple[Hits, int, int]:
        """Longest cached prefix of a request's known tokens, its last token excepted.

        Returns the hits, the number of blocks hit, and how many of these have no owner
        (they count as needed when the request is admitted).
        """
        hits: Hits = []
        self.prefix_may_grow = False
        content = request.content
        if content is None or not self.caching:
            return hits, 0, 0
        size = self.block_size
        limit = self._whole_blocks(request)
        position = ownerless = 0
        node = self._root
        while position < limit:
            if node.growers:
                self._settle(node)
            key = block_key(content, position * size, size)
            child = node.children.get(key)
            if child is None:
                self.prefix_may_grow = bool(node.growers)
                break
            if child.growers:
                self._settle(child)
                child = node.children[key]  # settling may have split it
            length = min(self._match(child, 0, content, position), limit - position)
            copy = child.copies[0]
            if copy.blocks < min(length, child.blocks):
                # Beyond the oldest copy a younger one serves: look at the parts one by one.
                self._split(child, copy.blocks)
                child = copy.node
                length = copy.blocks
            hits.append((copy, length))
            if not copy.holders:
                ownerless += length
            position += length
            if length < child.blocks:
                break
            node = child
        return hits, position, ownerless

    def _whole_blocks(self, request: Request) -> int:
        """Blocks of a request's known tokens, its last token excepted: some token must be computed."""
        size = self.block_size
        limit = (request.prompt_tokens + request.outputs - 1) // size
        return max(limit, 0)

    def peek(self, request: Request, taken: int = 0) -> int:
        """Blocks that `lookup` would hit once ``taken`` more blocks were taken; nothing is given away."""
        # Goes down the tree as `lookup` does, flat like it: a function for both costs look-ups 2 to 6 %.
        content = request.content
        if content is None or not self.caching:
            return 0
        lost = self._next_evicted(taken - self._blank)
        size = self.block_size
        limit = self._whole_blocks(request)
        position = 0
        node = self._root
        while position < limit:
            if node.growers:
                self._settle(node)
            key = block_key(content, position * size, size)
            child = node.children.get(key)
            if child is None:
                break
            if child.growers:
                self._settle(child)
                child = node.children[key]  # settling may have split it
            kept = max(c.blocks - lost.get(c, 0) for c in child.copies) if lost else child.blocks
            length = min(self._match(child, 0, content, position), kept, limit - position)
            position += length
            if length < child.blocks:
                break
            node = child
        return position

    def adopt(self, request: Request, hits: Hits) -> None:
        """Give a request without blocks the cached blocks that it hit."""
        for copy, length in hits:
            held = copy
            if length < copy.blocks:
                held = self._split(copy.node, length).copies[0]
            if not held.holders:
                self._dequeue(held)
                self.free -= held.blocks
            else:
                self.shared += held.blocks
            held.holders.add(request)
            request.held.append(held)
            request.hashed += held.blocks
        request.blocks = request.hashed

    # -- growing ---------------------------------------------------------------------------

    def take(self, blocks: int) -> None:
        """Allocate blocks from the front of the free queue, evicting cached ones if need be."""
        self.free -= blocks
        self._blank -= blocks
        if self._blank < 0:
            self._evict(-self._blank)
            self._blank = 0

    def register(self, request: Request, tokens: int) -> None:
        """Enter a request's full blocks up to ``tokens`` into the prefix cache.

        Nobody can find the blocks of a request without content: they are only counted.
        """
        full = tokens // self.block_size
        if full <= request.hashed or not self.caching:
            return
        if request.content is None:
            request.hashed = full
        else:
            self._settle(request.held[-1].node if request.held else self._root)
            if full > request.hashed:
                self._extend(request, request.content, full)

    def identify(self, request: Request) -> None:
        """Before a preemption: give a request without content its own, so that it can hit its
        own blocks when it resumes."""
        if self.caching and request.content is None:
            full, request.hashed = request.hashed, 0
            tokens = request.prompt_tokens + request.output_tokens
            request.content = ((f"request {request.index}", 0, tokens),)
            self.register(request, full * self.block_size)

    def watch_growth(self, request: Request) -> None:
        """From now on the request's cached blocks follow ``grown_tokens`` without being told."""
        if self.caching and request.content is not None:
            node = request.held[-1].node if request.held else self._root
            if node.growers is None:
                node.growers = set()
            node.growers.add(request)
            request.growing_at = node

    def grown_tokens(self, request: Request) -> int:
        """Tokens whose full blocks a growing request has in the cache now.

        The aggregate engine replaces this: it alone knows the present step.
        """
        raise NotImplementedError

    # -- freeing ---------------------------------------------------------------------------

    def release(self, request: Request) -> None:
        """Take all blocks from a request, its last block first."""
        if request.growing_at is not None:
            self._stop_growth(request)
        blank = request.blocks - request.hashed
        self._blank += blank
        self.free += blank
        for copy in reversed(request.held):
            copy.holders.discard(request)
            if not copy.holders:
                self._enqueue(copy, self._queue)
                self.free += copy.blocks
            else:
                self.shared -= copy.blocks
        if request.content is None and request.hashed:
            self._enqueue(Copy(self._root, request.hashed, _NOBODY), self._queue)
            self.free += request.hashed
            self.cached += request.hashed
        request.held.clear()
        request.blocks = request.hashed = 0

    def settle_all(self) -> None:
        """Bring ``cached`` up to date for all growing requests (for traces)."""
        stack = [self._root]
        while stack:
            node = stack.pop()
            if node.growers:
                self._settle(node)
            stack.extend(node.children.values())

    # -- the tree --------------------------------------------------------------------------

    def _settle(self, node: Node) -> None:
        """Register what growing requests have computed behind ``node``, before anyone looks there."""
        if self._settling or not node.growers:
            return
        self._settling = True
        for request in list(node.growers):
            self.register(request, self.grown_tokens(request))
        self._settling = False

    def _stop_growth(self, request: Request) -> None:
        node = request.growing_at
        assert node is not None and node.growers is not None
        node.growers.discard(request)
        request.growing_at = None

    def _match(self, node: Node, node_start: int, content: Content, position: int) -> int:
        """Blocks of ``node`` from ``node_start`` on that equal ``content`` from block ``position`` on."""
        size = self.block_size
        blocks = node.blocks - node_start
        if len(node.content) == 1 and len(content) == 1:
            stream, offset, _ = node.content[0]
            other, other_offset, length = content[0]
            if stream != other or offset + node_start * size != other_offset + position * size:
                return 0
            return min(blocks, (length - position * size) // size)
        a = content_slice(node.content, node_start * size, node.blocks * size)
        b = content_slice(content, position * size, (position + blocks) * size)
        return common_tokens(a, b) // size

    def _extend(self, request: Request, content: Content, full: int) -> None:
        """Register blocks ``request.hashed`` to ``full`` behind the blocks that it holds."""
        size = self.block_size
        position = request.hashed
        copy = request.held[-1] if request.held else None
        node = copy.node if copy is not None else self._root
        start_node = node
        while position < full:
            if node.growers and node is not start_node:
                # What they have computed is older than what is entered now.
                self._settle(node)
                node = copy.node if copy is not None else self._root
            if copy is not None and copy.blocks < node.blocks:
                # A twin has computed what follows here. Its blocks are older than ours.
                length = min(self._match(node, copy.blocks, content, position), full - position)
                if length and node.copies[-1] is copy:
                    copy.blocks += length
                    position += length
                else:
                    self._split(node, copy.blocks)
                    node = copy.node
                continue
            key = block_key(content, position * size, size)
            child = node.children.get(key)
            if child is not None:
                length = min(self._match(child, 0, content, position), full - position)
                copy = Copy(child, length, {request})
                child.copies.append(copy)
                request.held.append(copy)
                node = child
                position += length
                continue
            new = content_slice(content, position * size, full * size)
            added = full - position
            if copy is not None and len(copy.holders) == 1 and not node.children:
                self._append(node, new)
                node.blocks += added
                copy.blocks += added
            else:
                node = Node(node, key, new, added)
                assert node.parent is not None
                node.parent.children[key] = node
                copy = Copy(node, added, {request})
                node.copies.append(copy)
                request.held.append(copy)
            self.cached += added
            position = full
        request.hashed = full
        if request.growing_at is not None and request.growing_at is not request.held[-1].node:
            self._stop_growth(request)
            self.watch_growth(request)

    def _append(self, node: Node, new: Content) -> None:
        content = node.content
        if node.stale_tail:
            content = content_slice(content, 0, node.blocks * self.block_size)
            node.stale_tail = False
        stream, offset, length = content[-1]
        next_stream, next_offset, next_length = new[0]
        if stream == next_stream and offset + length == next_offset:
            node.content = (*content[:-1], (stream, offset, length + next_length), *new[1:])
        else:
            node.content = content + new

    def _split(self, node: Node, blocks: int) -> Node:
        """Cut a node after ``blocks`` blocks; returns the new head, ``node`` becomes the tail."""
        size = self.block_size
        assert node.parent is not None
        head = Node(node.parent, node.key, content_slice(node.content, 0, blocks * size), blocks)
        node.parent.children[node.key] = head
        node.content = content_slice(node.content, blocks * size, node.blocks * size)
        node.stale_tail = False
        node.blocks -= blocks
        node.parent = head
        node.key = block_key(node.content, 0, size)
        head.children[node.key] = node
        tails: list[Copy] = []
        for copy in node.copies:
            if copy.blocks <= blocks:
                copy.node = head
                head.copies.append(copy)
                continue
            front = Copy(head, blocks, set(copy.holders))
            head.copies.append(front)
            copy.blocks -= blocks
            tails.append(copy)
            if copy.holders:
                for holder in copy.holders:
                    holder.held.insert(holder.held.index(copy), front)
            else:
                self._enqueue(front, copy.after)  # the head is evicted after its tail
        node.copies = tails
        if node.growers:
            moved = {r for r in node.growers if r.held[-1].node is head}
            if moved:
                head.growers = moved
                node.growers -= moved
                for request in moved:
                    request.growing_at = head
        return head

    # -- the cached part of the free queue ---------------------------------------------------

    def _enqueue(self, copy: Copy, before: Copy) -> None:
        last = before.before
        copy.before = last
        copy.after = before
        last.after = before.before = copy

    def _dequeue(self, copy: Copy) -> None:
        copy.before.after = copy.after
        copy.after.before = copy.before

    def _next_evicted(self, blocks: int) -> dict[Copy, int]:
        """How much of which copies would go if that many cached blocks were evicted."""
        lost: dict[Copy, int] = {}
        copy = self._queue.after
        while blocks > 0 and copy is not self._queue:
            lost[copy] = min(blocks, copy.blocks)
            blocks -= lost[copy]
            copy = copy.after
        return lost

    def _evict(self, blocks: int) -> None:
        while blocks:
            copy = self._queue.after
            assert copy is not self._queue, "more blocks are taken than are free"
            node = copy.node
            lost = min(blocks, copy.blocks)
            blocks -= lost
            copy.blocks -= lost
            if node is self._root:  # of a request without content
                self.cached -= lost
                if not copy.blocks:
                    self._dequeue(copy)
                continue
            if not copy.blocks:
                self._dequeue(copy)
                node.copies.remove(copy)
            longest = max((c.blocks for c in node.copies), default=0)
            if longest < node.blocks:
                self.cached -= node.blocks - longest
                node.blocks = longest
                node.stale_tail = True
                if not longest:
                    assert node.parent is not None and not node.children
                    del node.parent.children[node.key]
