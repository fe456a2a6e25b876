"""What a call reads, as the KV cache sees it."""

from __future__ import annotations

from typing import NamedTuple

from simulator.engine.content import Content, content_slice
from simulator.engine.request import Request


class Text(NamedTuple):
    """A sequence of tokens.

    Attributes
    ----------
    tokens
        How long it is.
    content
        Which tokens they are; None where no cache asks.
    """

    tokens: int
    content: Content | None

    def first(self, tokens: int) -> Text:
        """Its first tokens."""
        content = self.content
        return Text(tokens, content if content is None else content_slice(content, 0, tokens))

    def then(self, stream: str, tokens: int, offset: int = 0) -> Text:
        """The same followed by ``tokens`` of a stream."""
        if tokens <= 0:
            return self
        if self.content is None:
            return Text(self.tokens + tokens, None)
        return Text(self.tokens + tokens, (*self.content, (stream, offset, tokens)))


def read_by(request: Request) -> Text:
    """The prompt of a call that has content of its own last."""
    content = request.content
    return Text(request.prompt_tokens, None if content is None else content[:-1])


def after(request: Request) -> Text:
    """Prompt and whole output of a call."""
    if request.outputs == request.output_tokens:
        return Text(request.prompt_tokens + request.output_tokens, request.content)
    return _cut(request, 0)


def after_thinking_dropped(request: Request) -> Text:
    """Prompt and answer of a call, without what it thought."""
    return _cut(request, request.thinking_tokens)


def _cut(request: Request, skipped: int) -> Text:
    """Prompt and output of a call from its token ``skipped`` on."""
    prompt = read_by(request)
    if request.content is None:
        return Text(prompt.tokens + max(request.outputs - skipped, 0), None)
    stream, offset, _ = request.content[-1]
    return prompt.then(str(stream), request.outputs - skipped, offset + skipped)
