# Word counts, fields, and strings.
{
    fields += NF
    for (i = 1; i <= NF; i++) {
        word = $i
        gsub(/[^A-Za-z_]/, "", word)
        if (length(word) > 2) count[word]++
    }
    if ($1 == "def" && match($0, /\(.*\)/)) arguments += split(substr($0, RSTART, RLENGTH), list, ",")
    sum = (sum * 31 + length($0)) % 1000003
}
END {
    for (word in count) if (count[word] > most || (count[word] == most && word < name)) { most = count[word]; name = word }
    print NR, fields, arguments, sum, name, most
}
