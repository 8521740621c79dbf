# SPDX-License-Identifier: Apache-2.0
# lethe script put hello client/examples/hello.js; perl call.pl Ada 2. Needs libdata-messagepack-perl (../LIBRARIES.md).
use strict;
use warnings;
use Data::MessagePack;
use IO::Socket::UNIX;

my ($name, $times) = @ARGV;
my $socket = IO::Socket::UNIX->new($ENV{LETHE_SOCKET} // '/run/lethe/lethe.sock') or die "no connection: $!\n";
my $mp = Data::MessagePack->new->utf8->prefer_integer; # texts as texts, not as bytes
$socket->syswrite($mp->pack([0, 1, 'call', ['hello', 'greet', [$name, $times], { deadline_ms => 100 }]]));
my ($unpacker, $received) = (Data::MessagePack::Unpacker->new->utf8, '');
my $at = 0;
until ($unpacker->is_finished) {
    $socket->sysread($received, 65536, length $received) or die "the connection was closed\n";
    $at = $unpacker->execute($received, $at);
}
my (undef, undef, $error, $result) = @{ $unpacker->data };
if ($error) {
    my $place = $error->{line} ? " ($error->{script}:$error->{line})" : '';
    print STDERR "$error->{code}: $error->{message}$place\n";
    exit 1;
}
print "$result\n";
