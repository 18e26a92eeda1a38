# Sourced: fetches packages of other Debian releases and architectures through an apt root of our own below
# GUISE_CACHE. The user's apt is read (where the archive is, proxies) and never written. apt checks the signatures
# against Debian's own keyring, so it does not matter whose mirror the packages come from.
. "$(dirname "${BASH_SOURCE[0]}")/say.sh"
DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# archive_candidates: the archive addresses in this machine's apt set-up that carry its own Debian release,
# in order. Both formats: one-line .list and deb822 .sources.
archive_candidates() {
    local etc=${APT_ETC:-/etc/apt} release files
    release=$(. /etc/os-release && echo "${VERSION_CODENAME:-sid}")
    files=$(ls "$etc/sources.list" "$etc"/sources.list.d/*.list 2>/dev/null || true)
    { [ -z "$files" ] || sed -n 's/^ *deb  *\(\[[^]]*\] *\)\?\([^ ]*\)  *\([^ ]*\)  *\(.*\)/\2 \3 \4/p' $files
      files=$(ls "$etc"/sources.list.d/*.sources 2>/dev/null || true)
      [ -z "$files" ] || for file in $files; do deb822_entries "$file"; done
    } | awk -v release="$release" '
        $2 == release || $2 ~ /^(stable|testing|unstable|sid)$/ {
            for (i = 3; i <= NF; i++) if ($i == "main" && !seen[$1]++) { sub(/\/$/, "", $1); print $1 }
        }'
}

# deb822_entries FILE: "URI SUITE COMPONENTS" for every binary source of a .sources file.
deb822_entries() {
    awk '
        function flush(  i, j, n, m, uri, suite) {
            n = split(value["uris"], uri, " "); m = split(value["suites"], suite, " ")
            if (value["types"] ~ /(^| )deb( |$)/ && value["enabled"] !~ /^ *(no|false)/)
                for (i = 1; i <= n; i++)
                    for (j = 1; j <= m; j++) print uri[i], suite[j], value["components"]
            delete value
        }
        /^#/       { next }
        /^[ \t]*$/ { flush(); next }
        /^[ \t]/   { value[key] = value[key] " " $0; next }
                   { key = tolower(substr($0, 1, index($0, ":") - 1))
                     value[key] = substr($0, index($0, ":") + 1); sub(/^ */, "", value[key]) }
        END        { flush() }' "$1"
}

# fetch_apt NAME PROGRAM...: an apt program on the private root NAME.
fetch_apt() {
    local root=$GUISE_CACHE/apt/$1 program=$2
    shift 2
    "$program" -c "$root/apt.conf" "$@"
}

# Our file is read after the user's, so that it has the last word; the hooks the user's apt runs are not ours.
write_apt_conf() {
    local root=$1 arch=$2
    cat > "$root/apt.conf" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
#clear APT::Default-Release;
Dir::Etc::sourcelist "$root/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "$root/preferences";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$root/state";
Dir::State::lists "$root/lists";
Dir::State::status "$root/state/status";
Dir::State::extended_states "$root/state/extended_states";
Dir::Cache "$root/cache";
Dir::Cache::archives "$root/cache/archives";
Dir::Log "$root/state";
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Get::List-Cleanup "true";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
}

# fetch_setup NAME ARCH SUITE...: makes the private root, where no package counts as installed.
fetch_setup() {
    local name=$1 arch=$2 root=$GUISE_CACHE/apt/$1 archive suite
    shift 2
    command -v apt-get >/dev/null || die "needs apt-get: $name comes from Debian's packages"
    [ -r "$DEBIAN_KEYRING" ] || die "$DEBIAN_KEYRING is missing (package debian-archive-keyring)"
    mkdir -p "$root"/{lists/partial,cache/archives/partial,state,deb}
    : > "$root/state/status"
    touch "$root/preferences"
    write_apt_conf "$root" "$arch"
    say "fetching the package lists of Debian $* for $arch"
    for archive in $(archive_candidates); do
        for suite; do
            echo "deb [signed-by=$DEBIAN_KEYRING arch=$arch] $archive $suite main"
        done > "$root/sources.list"
        ! fetch_apt "$name" apt-get -q -o APT::Update::Error-Mode=any update >"$root/update.log" 2>&1 || return 0
        say "$archive does not serve it"
        tail -n 5 "$root/update.log" >&2
    done
    # An archive in the middle of its own update: what it had before is signed, too.
    ! compgen -G "$root/lists/*_Packages*" >/dev/null ||
        { say "going on with the package lists of before"; return 0; }
    die "no Debian archive named in this machine's apt set-up serves $* for $arch"
}

# fetch_package NAME PACKAGE: downloads one package without what it depends on; prints the .deb's path.
fetch_package() {
    local name=$1 package=$2 root=$GUISE_CACHE/apt/$1 version file
    version=$(fetch_apt "$name" apt-cache policy "$package" | sed -n 's/^ *Candidate: //p')
    [ -n "$version" ] && [ "$version" != "(none)" ] || die "Debian's archive has no package $package"
    file=$(find "$root/deb" -name "${package}_${version//:/%3a}_*.deb" -print -quit)
    if [ -z "$file" ]; then
        say "downloading $package $version"
        ( cd "$root/deb" && rm -f "${package}_"*.deb &&
          fetch_apt "$name" apt-get -q download "$package" >"$root/download.log" 2>&1 ) ||
            { tail -n 5 "$root/download.log" >&2; die "could not download $package"; }
        file=$(find "$root/deb" -name "${package}_*.deb" -print -quit)
    fi
    echo "$file"
}

# fetch_dependency NAME PACKAGE: the first package that a metapackage depends on.
fetch_dependency() {
    fetch_apt "$1" apt-cache depends "$2" | sed -n '0,/^ *Depends: /s/^ *Depends: //p'
}

# fetch_closure NAME PACKAGE...: downloads the packages and all that they depend on; prints the .debs' paths.
fetch_closure() {
    local name=$1 root=$GUISE_CACHE/apt/$1 package version
    shift
    say "downloading $* and what they depend on"
    fetch_apt "$name" apt-get -q -y --download-only install "$@" >"$root/download.log" 2>&1 ||
        { tail -n 5 "$root/download.log" >&2; die "could not download: $*"; }
    fetch_apt "$name" apt-get -q -s -y install "$@" |
        sed -n 's/^Inst \([^ :]*\)[^(]*(\([^ ]*\).*/\1 \2/p' |
        while read -r package version; do
            ls "$root/cache/archives/${package}_${version//:/%3a}_"*.deb
        done
}

# unpack_deb FILE FOLDER [PATTERN...]: the files of a package, or those that match.
unpack_deb() {
    local file=$1 folder=$2
    shift 2
    mkdir -p "$folder"
    dpkg-deb --fsys-tarfile "$file" |
        tar -C "$folder" --keep-directory-symlink --no-same-owner -x ${1:+--wildcards} "$@"
}
