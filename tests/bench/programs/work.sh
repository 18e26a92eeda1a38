# What scripts of a shell do: small programs, pipes, substitution, loops.
number=0
while [ "$number" -lt "$1" ]; do
    number=$((number + 1))
    line=$(sed -n "${number}p" text)
    case $line in
        *import*) kind=import ;;
        *def*) kind=definition ;;
        *) kind=other ;;
    esac
    if echo "$line" | grep -q '[a-z]'; then
        echo "$number $kind $(expr "$number" \* 3) $(echo "$line" | tr a-z A-Z | cut -c 1-20)"
    fi
    loop=0
    while [ "$loop" -lt 60 ]; do loop=$((loop + 1)); set -- "$1" "$loop" "${line%% *}" "${line#*.}"; done
done
