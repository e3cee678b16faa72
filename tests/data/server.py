"""A web server on a free port that serves one file, well or badly."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = b"".join(b"%d\tD%d\t%d\n" % (query, rank, rank) for query in range(500) for rank in range(1, 21))
"""What it serves: 500 queries with 20 documents each, as query, document, rank; about 60 kB."""


class Server:
    """Serves `content` at `url`, as well as its attributes say; `requests` are (method, Range) so far."""

    def __init__(self, content=CONTENT):
        self.content = content
        self.etag = '"1"'
        self.status = None
        """Answer this status and nothing else."""
        self.with_ranges = True
        """Whether parts can be asked for."""
        self.with_length = True
        self.content_type = "application/octet-stream"
        self.cuts = []
        """After how many bytes of the file each connection ends, one after the other; then they last."""
        self.requests = []
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.http.server_port}/run.tsv"

    def close(self):
        self.http.shutdown()
        self.http.server_close()

    def _handler(server):
        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self):
                self.answer(with_body=False)

            def do_GET(self):
                self.answer(with_body=True)

            def answer(self, with_body):
                wanted = self.headers["Range"]
                server.requests.append((self.command, wanted))
                if server.status:
                    self.send_error(server.status)
                    return
                start = 0
                if wanted and server.with_ranges and self.headers["If-Range"] in (None, server.etag):
                    start = int(wanted.removeprefix("bytes=").rstrip("-"))
                    if start >= len(server.content):
                        self.send_response(416)
                        self.send_header("Content-Range", f"bytes */{len(server.content)}")
                        self.end_headers()
                        return
                self.send_response(206 if start else 200)
                last = len(server.content) - 1
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{last}/{last + 1}")
                if server.with_length:
                    self.send_header("Content-Length", str(last + 1 - start))
                if server.etag:
                    self.send_header("ETag", server.etag)
                self.send_header("Content-Type", server.content_type)
                self.end_headers()
                if with_body:
                    end = server.cuts.pop(0) if server.cuts else last + 1
                    self.wfile.write(server.content[start:end])

            def log_message(self, *_):
                pass

        return Handler
