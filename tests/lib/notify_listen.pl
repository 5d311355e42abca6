# SPDX-License-Identifier: Apache-2.0
# notify_listen.pl PATH prints what a process tells systemd (sd_notify(3)): a line for each datagram that comes to the
# socket, its own lines joined by " | ". A PATH that begins with @ is in the abstract namespace.
use strict;
use warnings;
use Socket;

my ($path) = @ARGV;
$| = 1;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!\n";
bind($socket, pack_sockaddr_un($path =~ s/^@/\0/r)) or die "bind: $!\n";
print "listening\n";
while (defined recv($socket, my $lines, 65536, 0)) {
    print $lines =~ s/\n/ | /gr, "\n";
}
