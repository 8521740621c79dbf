#!/bin/bash
# One would guess: with msgpack_numpy a number out of an array travels alike, whatever the array's type; or at least each as something
# that another language reads as a number.
#
# What happens: a float64 is a Python float, too, and the packer takes it for one before it asks msgpack_numpy: it arrives as a number,
# and as a plain float when it is read back. Each other scalar (float32, int64, bool_) becomes a map whose keys are bin, not str: nd,
# type, data, the value in the bytes of the machine that wrote it. A reader that wants text for keys refuses it or shows an object with
# keys like "b'nd'"; one that takes any key has a map where a number was meant. That a model's scores are float32 instead of float64
# changes what the other side gets, for `scores[0]` as for `scores.max()`, while `print` shows the same.
#
# Who meets it: programs in Python that send single figures of arrays to services in other languages, and have patched msgpack once, for
# whole arrays, or use a library that does (msgpack_numpy.patch() is for the whole process).
#
# Documented: the README says that numerical types are serialized, not that float64 is not among them, nor what others read.
# Seen with python3-msgpack-numpy 0.4.8-1, python3-numpy 1:1.24.2-1+deb12u1, msgpack 1.0.3, Python 3.11 (Debian 12).
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
apt-get -q -o APT::Sandbox::User=root download python3-msgpack-numpy=0.4.8-1 python3-numpy=1:1.24.2-1+deb12u1 libblas3=3.11.0-2 \
  liblapack3=3.11.0-2 libgfortran5 >/dev/null
for package in ./*.deb; do dpkg-deb -x "$package" .; done
libraries=$PWD/usr/lib/$(gcc -print-multiarch)
export LD_LIBRARY_PATH=$libraries:$libraries/blas:$libraries/lapack PYTHONPATH=$PWD/usr/lib/python3/dist-packages
cat > scores.py <<'PY'
import msgpack, msgpack_numpy, numpy

print("msgpack", ".".join(map(str, msgpack.version)), "numpy", numpy.__version__)
plain_reader = msgpack.Unpacker
msgpack_numpy.patch()
for kind in "float64", "float32", "int64":
    score = numpy.array([1, 2], dtype=kind).max()
    reader = plain_reader(strict_map_key=False)
    reader.feed(msgpack.packb(score))
    print(kind, score, "others read", reader.unpack())
PY
/usr/bin/python3 scores.py | tee result
diff <(tail -n 3 result) - <<'R'
float64 2.0 others read 2.0
float32 2.0 others read {b'nd': False, b'type': '<f4', b'data': b'\x00\x00\x00@'}
int64 2 others read {b'nd': False, b'type': '<i8', b'data': b'\x02\x00\x00\x00\x00\x00\x00\x00'}
R
