# rows.sh ROW [COUNT]: the rows of real programs; run by start, in the disk of tools/get-programs. A row is a line
# "# row: NAME COUNT", data_NAME, which makes what it works on and is not measured, and run_NAME, whose output's
# checksum is the row's. The text is the sources of Python's library, the binary the C compiler's.
cd /work

text() { cat /usr/lib/python3.*/[a-z]*.py /usr/lib/python3.*/[a-z]*/*.py | head -c "$1"; }
binary() { cat /usr/libexec/gcc/*/*/cc1 | head -c "$1"; }

# row: python3 8
data_python3() { text 300000 > text; }
run_python3() { python3 work.py "$1" < text; }

# row: perl 5
data_perl() { text 1000000 > text; }
run_perl() { perl work.pl "$1" < text; }

# row: lua 20
data_lua() { :; }
run_lua() { lua5.4 work.lua "$1"; }

# row: gzip 9000000
data_gzip() { text "$1" > text; }
run_gzip() { gzip -6 -n -c text > text.gz && gzip -d -c text.gz | cksum && cksum < text.gz; }

# row: xz 1200000
data_xz() { text "$1" > text; binary "$1" >> text; }
run_xz() { xz -6 -T1 -c text > text.xz && xz -d -c text.xz | cksum && cksum < text.xz; }

# row: zstd 12000000
data_zstd() { text "$1" > text; }
run_zstd() { zstd -q -9 --single-thread -c text > text.zst && zstd -q -d -c text.zst | cksum && cksum < text.zst; }

# row: sqlite3 16000
data_sqlite3() { sed "s/COUNT/$1/" work.sql > run.sql; }
run_sqlite3() { sqlite3 -batch :memory: < run.sql; }

# row: sort 4000000
data_sort() { text "$1" | tr -cs 'A-Za-z0-9_' '\n' > words; }
run_sort() { sort words | cksum && sort -u -r words | cksum && sort -t_ -k2,2 -k1,1n words | cksum; }

# row: awk 8
data_awk() { text 2000000 > text; }
run_awk() { for turn in $(seq "$1"); do mawk -f work.awk text; done; }

# row: cc 1
data_cc() { :; }
run_cc() {
    for turn in $(seq "$1"); do
        gcc -O2 -c -o kernel.o kernel.c && cksum < kernel.o && gcc -O2 -S -o - control.c && gcc -Os -S -o - data.c ||
            return
    done
}

# row: sh 60
data_sh() { text 20000 > text; }
run_sh() { dash work.sh "$1"; }

# row: openssl 16000000
data_openssl() { binary "$1" > data; }
run_openssl() {
    openssl dgst -sha256 data
    openssl dgst -sha512 data
    openssl dgst -md5 data
    for cipher in aes-256-cbc aes-128-ctr chacha20; do
        openssl enc "-$cipher" -K 0123456789abcdef0123456789abcdef -iv 0123456789abcdef -in data 2>/dev/null | cksum
    done
    for prime in $PRIMES; do openssl prime -hex "$prime"; done
}

# 2^521 - 1, 2^1279 - 1, and one that is none.
PRIMES="1FF$(printf '%0128d' 0 | tr 0 F) 7F$(printf '%0318d' 0 | tr 0 F) 1F$(printf '%0256d' 0 | tr 0 F)"

# mark LINE: says it and waits for an answer: whoever measures has then read the clock.
mark() {
    echo "gbench: $1"
    read -r answer
}

row=$1
count=${2:-$(sed -n "s/^# row: $row //p" rows.sh)}
"data_$row" "$count"
mark "begin $row $count"
"run_$row" "$count" > /tmp/result || exit
sum=$(md5sum < /tmp/result | head -c 16)
mark "end $row $sum"
