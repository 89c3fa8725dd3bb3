"""Controls the VMM of a guest over QMP: pause and resume, plug and unplug.

    Monitor(guest).ask("device_del", id="nic")
"""
import json
import socket
import time


class Monitor:
    """One connection. Replies arrive in order. Events between them are kept until wait_for()."""

    def __init__(self, path, seconds):
        self.seconds, self.events = seconds, []
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(seconds)
        connection.connect(str(path))
        self.stream = connection.makefile("rw")
        self.message()                  # the greeting
        self.ask("qmp_capabilities")

    def message(self):
        line = self.stream.readline()
        if not line:
            raise RuntimeError("the VMM has closed its QMP connection")
        return json.loads(line)

    def ask(self, command, **arguments):
        """Run a command, which must succeed, and return its result."""
        self.stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.stream.flush()
        while "event" in (reply := self.message()):
            self.events.append(reply)
        if "error" in reply:
            raise RuntimeError(f"{command} {arguments}: {reply['error']['desc']}")
        return reply["return"]

    def wait_for(self, event, **data):
        """The next event with this name and this data; it may have arrived before the call."""
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline:
            while self.events:
                found = self.events.pop(0)
                if found["event"] == event and all(found["data"].get(name) == value for name, value in data.items()):
                    return found
            self.events.append(self.message())
        raise TimeoutError(f"no event {event} {data} within {self.seconds} s")
