# Sourced after say.sh: building guise. Every build folder is one configuration, named after it.

# build_guise FOLDER MESON-OPTION...: configures FOLDER when it is new, and builds what changed in it: everything, or
# what BUILD_TARGETS names.
build_guise() {
    local folder=$ROOT/$1 title=$1
    shift
    if [ ! -f "$folder/build.ninja" ]; then
        say "configuring $title"
        rm -rf "$folder"
        mkdir -p "$folder"
        quietly "$folder/configure.log" meson setup "$@" "$folder" "$ROOT"
    fi
    # Folders are listed when the build is configured: a file that came or went asks for that again.
    local listing
    listing=$(cd "$ROOT" && find src tests \( -name '*.c' -o -name '*.decode' \) | LC_ALL=C sort | cksum)
    if [ "$listing" != "$(cat "$folder/listing" 2>/dev/null)" ]; then
        quietly "$folder/configure.log" meson setup --reconfigure "$folder" "$ROOT"
        echo "$listing" > "$folder/listing"
    fi
    if ninja -C "$folder" -n ${BUILD_TARGETS:-} 2>/dev/null </dev/null | grep -q 'no work to do'; then
        return 0
    fi
    say "building $title"
    if [ -t 2 ] && [ -z "${CI:-}" ]; then
        ninja -C "$folder" ${BUILD_TARGETS:-} </dev/null >&2 || die "$title does not build"
    else
        quietly "$folder/build.log" ninja -C "$folder" ${BUILD_TARGETS:-}
    fi
}
