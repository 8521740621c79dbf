#!/bin/bash
# One would guess: $mp->utf8 is a property of the object $mp; other objects decode as they were told.
#
# What happens: the implementation in Perl of Data::MessagePack keeps the option in a variable of the module, and never sets it back.
# Once any object with utf8 has unpacked anything, every later unpack in the process, of objects without the option as well, decodes
# bin as UTF-8. Bytes that happen to be UTF-8 become fewer characters, and lengths, digests and offsets are wrong; bytes that are
# not stay as they are, so that it depends on the data. The implementation in C does not do so.
#
# Who meets it: programs of several modules that each have their own object (a logger with utf8, a cache of binary values without),
# where the compiled part is missing (packed scripts, PERL_DATA_MESSAGEPACK=pp, a system without a compiler): the module falls back
# to Perl without a word.
#
# Documented: no. Data::MessagePack's manual speaks of "properties", which unpack respects, and says of utf8 only what pack does with it.
# Seen with Data::MessagePack 1.02-1+b1, Perl 5.36 (Debian 12).
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
apt-get -q -o APT::Sandbox::User=root download libdata-messagepack-perl=1.02-1+b1 >/dev/null
dpkg-deb -x ./*.deb .
cat > lengths.pl <<'PERL'
use strict;
use warnings;
use Data::MessagePack;

my $implementation = Data::MessagePack->isa('Data::MessagePack::PP') ? 'Perl' : 'C';
my $key = pack 'H*', 'c404c3a900ff';      # bin of four bytes: not UTF-8
my $digest = pack 'H*', 'c404c3a9c3bc';   # bin of four bytes that happen to be UTF-8 of two characters
my $plain = Data::MessagePack->new;
sub lengths { return join ' and ', map { length $plain->unpack($_) } $key, $digest }

print "$implementation: ", lengths(), "\n";
Data::MessagePack->new->utf8->unpack("\xa0");
print "$implementation, after another object with utf8 was used: ", lengths(), "\n";
PERL
modules=usr/lib/$(gcc -print-multiarch)/perl5/5.36
/usr/bin/perl -I"$modules" -MData::MessagePack -e 'print "Data::MessagePack $Data::MessagePack::VERSION, Perl $^V\n"'
{
  /usr/bin/perl -I"$modules" lengths.pl
  PERL_DATA_MESSAGEPACK=pp /usr/bin/perl -I"$modules" lengths.pl
} | tee result
diff result - <<'R'
C: 4 and 4
C, after another object with utf8 was used: 4 and 4
Perl: 4 and 4
Perl, after another object with utf8 was used: 4 and 2
R
