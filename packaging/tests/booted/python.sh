#!/bin/bash
# The Python client, with nothing but its package and what that depends on.
# shellcheck source=packaging/tests/booted/common.sh
. "$(dirname "$0")/common.sh"

apt-get -q -y install "$packages"/python3-lethe_*.deb
install -d -o friend home
python() { # USER PROGRAM
  HOME=$work/home runuser -u "$1" -- python3 -W error -c "$2"
}
version=$(python friend 'import importlib.metadata; print(importlib.metadata.version("lethe"))')
[[ $(dpkg-query -W -f '${Version}' python3-lethe) == "$version"-* ]] || fail "pip sees version $version"

expect "a call of the service" "Hello, Python!" "$(python friend '
import lethe
with lethe.connect() as js:
    print(js.call("hello", "greet", "Python"))')"
expect "asyncio" "[0, 2, 4]" "$(python friend '
import asyncio, lethe.aio
async def main():
    async with lethe.aio.connect() as js:
        return await asyncio.gather(*[js.eval("2 * x", globals={"x": x}) for x in range(3)])
print(asyncio.run(main()))')"
expect "who may not" "can't connect to $socket: Permission denied" "$(python stranger '
import lethe
try:
    lethe.connect().eval("1")
except lethe.ConnectionLost as error:
    print(error)')"
expect "a daemon of one's own" "42 friend" "$(python friend '
import lethe, pathlib
with lethe.connect(private=True) as js:
    print(js.eval("6 * 7"), pathlib.Path(js.socket).owner())')"
