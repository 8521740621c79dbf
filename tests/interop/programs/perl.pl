# SPDX-License-Identifier: Apache-2.0
# usage: perl.pl SOCKET
use strict;
use warnings;
use utf8;
use Data::Dumper;
use Data::MessagePack;
use IO::Socket::UNIX;

binmode STDOUT, ':encoding(UTF-8)';
$Data::Dumper::Terse = $Data::Dumper::Useqq = $Data::Dumper::Sortkeys = 1;
$Data::Dumper::Indent = 0;
my ($path) = @ARGV;
my $mp = Data::MessagePack->new->utf8->prefer_integer;

# A result, and the console lines that came before; dies with an error map. One connection for each.
sub call {
    my ($function, $arguments, $options, $host) = @_;
    my $socket = IO::Socket::UNIX->new($path) or die "$path: $!\n";
    $socket->syswrite($mp->pack([0, 1, 'call', ['interop', $function, $arguments // [], $options]]));
    my ($unpacker, $received, $at, @console) = (Data::MessagePack::Unpacker->new->utf8, '', 0);
    while ($socket->sysread($received, 65536, length $received)) {
        while ($at < length $received) {
            $at = $unpacker->execute($received, $at);
            last unless $unpacker->is_finished;
            my $message = $unpacker->data;
            $unpacker->reset;
            substr($received, 0, $at, '');
            $at = 0;
            if ($message->[0] == 0) { $socket->syswrite($mp->pack([1, $message->[1], $host->($message->[3][1], $message->[3][2])])) }
            elsif ($message->[0] == 2) { push @console, [@{$message->[2]}[1, 2]] }
            elsif ($message->[2]) { die $message->[2] }
            else { return ($message->[3], \@console) }
        }
    }
    die "connection closed\n";
}

sub say_outcome {
    my ($case, $attempt) = @_;
    my $outcome = eval { $attempt->() };
    if (ref $@) { $outcome = join ' ', grep { defined } @{$@}{qw(code name message)} }
    elsif ($@) { ($outcome = $@) =~ s/ at \S+ line \d+\.\n|\n//g }
    print "$case\t$outcome\n";
}

# Numbers and texts are one in Perl.
sub same {
    my ($value, $other) = @_;
    return 0 if ref $value ne ref $other;
    return @$value == @$other && !grep { !same($value->[$_], $other->[$_]) } 0 .. $#$value if ref $value eq 'ARRAY';
    return keys %$value == keys %$other && !grep { !same($value->{$_}, $other->{$_}) } keys %$value if ref $value eq 'HASH';
    return defined $value ? defined $other && $value eq $other : !defined $other;
}

my $deep = [];
$deep = [$deep] for 1 .. 249;
my ($true, $false) = (Data::MessagePack::true(), Data::MessagePack::false());
my @values = (
    nil => undef, booleans => [$true, $false], integers => [0, 7, -7, 300, -70000, 2**40], largest_safe => 9007199254740991,
    beyond_safe => 9007199254740993, largest_uint64 => 18446744073709551615, smallest_int64 => -9223372036854775807 - 1, float => 1.5,
    whole_float => 1e18, minus_zero => -0.0, infinity => 9**9**9, nan => -sin(9**9**9), text => 'grüße 😀',
    long_text => "\x{feff}" . 'long ' x 60, digits => '42', bytes => "\x00\xff\x80", array => [1, ['a', undef]], empty_array => [],
    map => { name => 'Ada', tags => { admin => $true } }, empty_map => {}, map_by_numbers => { 1 => 'one', -2 => 'minus two' },
    map_with_nil => { '' => 'Session', name => 'Ada' }, map_with_proto => { __proto__ => { admin => $true }, name => 'Ada' }, deep => $deep,
    # What Perl has no value for that the module would send.
    map { $_ => \'none' } qw(date date_before_1970 date_in_3000 map_by_arrays),
);
while (my ($name, $value) = splice @values, 0, 2) {
    say_outcome("to.$name", sub { (call('take', [$value]))[0] }) unless ref $value eq 'SCALAR';
    say_outcome("from.$name", sub {
        my ($given) = call('give', [$name]);
        same($given, $value) ? 'same' : Dumper($given) =~ s/0x\w+/an address/r;
    });
}
say_outcome(error => sub { call('fail') });
say_outcome(deadline => sub { call('spin', [], { deadline_ms => 100 }) });
say_outcome(true_option => sub { join ' ', @{(call('log', [], { console => 1 }))[1][0]} });
say_outcome(no_options => sub { (call('log', [], {}))[0] });
say_outcome(host_call => sub { (call('ask', [], undef, sub { (undef, $_[1][0] + $_[1][1]) }))[0] });
say_outcome(host_error => sub { (call('ask_in_vain', [], undef, sub { ('not allowed', undef) }))[0] });
