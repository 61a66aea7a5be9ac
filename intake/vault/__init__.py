"""The vault: append-only evidence in sealed frames, the truth of which every store is an index.

A vault is a folder of *series*; one writer owns one series and appends *frames* to its *segments*. A frame is
compressed and sealed under the key of a *slot* in a *book*; a blanked slot makes every frame under it unreadable and
breaks no chain. `frame.py`, `book.py` and `segment.py` are the formats, final since version 1; `writer.py` makes frames
durable by group commit, `reader.py` reads and verifies them, `checkpoint.py` signs the heads of all series.

Rejected: a file per message (two to three times slower, and no order of frames to sign); a Merkle tree from the start
(the trailer of a sealed segment has room for its root).
"""
