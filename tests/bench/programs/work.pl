# What Perl programs do: lines, regular expressions, hashes, sorting, sprintf.
use strict;
use warnings;

my @lines = <STDIN>;
for my $turn (1 .. $ARGV[0]) {
    my (%count, %follows, $definitions, $rest);
    for my $line (@lines) {
        my $previous = '';
        while ($line =~ /([A-Za-z_]\w+)/g) {
            $count{$1}++;
            $follows{$previous}{$1}++ if $previous;
            $previous = $1;
        }
        $definitions .= "$2:$1\n" if $line =~ /^\s*(def|class)\s+(\w+)\s*[(:]/;
        (my $copy = $line) =~ s/(\d+)/sprintf '%x', $1/ge;
        $copy =~ tr/a-zA-Z/n-za-mN-ZA-M/;
        $rest += length $copy;
    }
    my @most = (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 40];
    print join(' ', map { "$_=$count{$_}" } @most), "\n";
    print join(' ', map { my $word = $_; (sort { $follows{$word}{$b} <=> $follows{$word}{$a} || $a cmp $b }
        keys %{$follows{$word} // {}})[0] // '-' } @most), "\n";
    print join('', sort split /^/, $definitions), "$rest\n";
}
