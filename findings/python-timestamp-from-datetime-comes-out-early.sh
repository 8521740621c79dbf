#!/bin/bash
# One would guess: msgpack.Timestamp.from_datetime(when) is what packb(when, datetime=True) writes, and gives `when` back.
#
# What happens: packb counts days, seconds and microseconds as integers; from_datetime goes through a float of the seconds since
# 1970, whose steps are 0.24 microseconds today, and cuts off what is below a nanosecond. Half of all times come out a little early:
# 0.123 s as 122999906 ns. A reader that rounds does not show it. Python's own unpackb gives the microsecond before, and C++ that
# reads milliseconds the millisecond before.
#
# Who meets it: services in Python that compare times with those that came back ("not modified since"), or that write dates of whole
# milliseconds, as JavaScript has, for readers in other languages. It holds for one time and fails for the next.
#
# Documented: no. https://github.com/msgpack/msgpack-python/pull/591 found the nanoseconds; the library was changed in later versions
# (see https://github.com/msgpack/msgpack-python/pull/710).
# Seen with Python's msgpack 1.0.3, read by msgpack-cxx 4.1.3 (Debian 12).
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
cat > write.py <<'PY'
import datetime, msgpack, sys
way = {"packb": lambda when: msgpack.packb(when, datetime=True),
       "from_datetime": lambda when: msgpack.packb(msgpack.Timestamp.from_datetime(when))}[sys.argv[1]]
second = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
times = [second + datetime.timedelta(milliseconds=n) for n in range(1000)]
messages = [way(when) for when in times]
wrong = sum(msgpack.unpackb(message, timestamp=3) != when for message, when in zip(messages, times))
print(f"{sys.argv[1]}: of 1000 whole milliseconds Python gives {wrong} back otherwise,", end=" ", file=sys.stderr)
sys.stdout.buffer.write(b"".join(messages))
PY
cat > read.cc <<'CC'
#include <chrono>
#include <iostream>
#include <iterator>
#include <msgpack.hpp>
#include <string>

int main() {
  const std::string bytes{std::istreambuf_iterator<char>(std::cin), {}};
  using Milliseconds = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;
  int early = 0, count = 0;
  for (size_t offset = 0; offset < bytes.size(); ++count) {
    const auto message = msgpack::unpack(bytes.data(), bytes.size(), offset);
    early += message->as<Milliseconds>().time_since_epoch().count() % 1000 != count;
  }
  std::cout << "C++ reads " << early << " of " << count << " early\n";
}
CC
g++ -std=c++17 -o read read.cc
/usr/bin/python3 -c 'import msgpack; print("Python msgpack", *msgpack.version)'
dpkg-query -W libmsgpack-cxx-dev
for way in packb from_datetime; do
  /usr/bin/python3 write.py $way 2>said | ./read >read.out
  cat said read.out
done | tee result
diff result - <<'R'
packb: of 1000 whole milliseconds Python gives 0 back otherwise, C++ reads 0 of 1000 early
from_datetime: of 1000 whole milliseconds Python gives 496 back otherwise, C++ reads 496 of 1000 early
R
