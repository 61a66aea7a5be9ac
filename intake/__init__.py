"""Intake: a report comes in and becomes evidence that cannot change.

The lower half is the floor that all stages stand on: `record`, `errors`, `vault/`, `follower`, `store/`, `archive`,
`work`, `parsing`, `people`, `feed`, `audit`, `sqlite`. The upper half are the doors (`smtp`, `upload`, `api`, file
import in `files`), `accept`, `formats/` and the step `unpack`; nothing outside intake imports a door except the process
that runs it. What a feed is told: `outcomes` (written), `inquiry` (asked), `hook` (posted).
"""
