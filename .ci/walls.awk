# awk -f walls.awk walls FILE…: each #include must lead to the file's own folder, or to where `walls` allows.
function folder(path) { return sub(/\/[^\/]*$/, "", path) ? path : "" }
function admits(list, wanted,   parts, count, i) {
  count = split(list, parts, " ")
  for (i = 1; i <= count; ++i)
    if (parts[i] == wanted || (parts[i] ~ /\*$/ && index(wanted "/", substr(parts[i], 1, length(parts[i]) - 1)) == 1)) return 1
  return 0
}
function refuse(place, what) { print place ": " what; bad = 1 }

FILENAME ~ /walls$/ { if (!/^#/ && split($0, row, ": *") > 1) may[row[1]] = row[2]; next }
FNR == 1 { here = folder(FILENAME); if (!(here in may)) { refuse(FILENAME, here " has no row in .ci/walls"); nextfile } }
/^ *# *include *"/ {
  split($0, quoted, "\""); there = folder(quoted[2])
  if (there && there != here && !admits(may[here], there)) refuse(FILENAME ":" FNR, here " may not include " there " (" quoted[2] ")")
}
/^ *# *include *</ {
  library = substr($0, index($0, "<"))
  for (row_name in may)
    if (row_name ~ /^</ && index(library, row_name) == 1 && !admits(may[row_name], here)) refuse(FILENAME ":" FNR, here " may not include " library)
}
END { exit bad }
