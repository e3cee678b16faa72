"""A collection of one's own of the smallest size, in BEIR's layout."""

import json

DOCUMENTS = [
    {"_id": "d1", "title": "One", "text": "the first"},
    {"_id": "d2", "title": "", "text": "the  second"},
    {"_id": "d3", "text": "the third"},
]
QUERIES = [{"_id": "q1", "text": "first?"}, {"_id": "q2", "text": "second?"}, {"_id": "q3", "text": "third?"}]
HEADER = "query-id\tcorpus-id\tscore\n"
TRAIN = HEADER + "q1\td1\t1\nq2\td2\t2\nq2\td9\t0\n"
DEV = HEADER + "q3\td3\t1\n"


def jsonl(records):
    return "".join(json.dumps(record) + "\n" for record in records)


def files():
    """Contents by name, to be changed and written."""
    return {
        "corpus.jsonl": jsonl(DOCUMENTS),
        "queries.jsonl": jsonl(QUERIES),
        "qrels/train.tsv": TRAIN,
        "qrels/dev.tsv": DEV,
    }


def write(folder, contents):
    """Write texts, or bytes, by name into the folder; None is no file."""
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder
