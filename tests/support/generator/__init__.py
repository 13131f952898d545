"""
Requests for the front port by the hundred thousand: valid and hostile, each of them from a seed and its number.

Whatever AWS's model of Lambda or the console's own description has is asked for; no operation is listed by hand, so
that what is built later is tried without a change here.

hypothesis makes the pools of values (texts of each pattern in the model, odd texts, odd JSON), once and always the
same; a seeded `random.Random` draws from them. hypothesis alone would be the wrong tool: it takes milliseconds for an
example of this size, and it runs each again to shrink it, while here each meets a server that thousands of others have
changed. What it would shrink is kept instead: request n of a seed is always the same bytes, whatever was sent before,
but for the ids of what the server made first, for the requests to name (`standing.py`); and one that is answered
wrongly is printed and written to a file.
"""
