"""An SMTP server on loopback that discards mail. Prints its port, and a line for every `expected` new recipients."""

import asyncio
import sys

from aiosmtpd.smtp import SMTP, Envelope


class Sink:
    """Counts the different recipients, and prints a line for every `expected` of them."""

    def __init__(self, expected: int) -> None:
        self._expected = expected
        self._recipients: set[str] = set()

    async def handle_DATA(self, _: object, __: object, envelope: Envelope) -> str:  # noqa: N802 # aiosmtpd's name
        """Accept every message."""
        before = len(self._recipients)
        self._recipients.update(envelope.rcpt_tos)
        if len(self._recipients) // self._expected > before // self._expected:
            print(len(self._recipients), flush=True)
        return "250 OK"


async def main(expected: int) -> None:
    """Serve until the process is terminated."""
    sink, loop = Sink(expected), asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(sink, hostname="sink", loop=loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
