# Turns a C header with comments above its declarations into a part of a manual page (mdoc).
function escape(text) {
  gsub(/\\/, "\\e", text)
  gsub(/-/, "\\-", text)
  if (text ~ /^[.']/) text = "\\&" text
  return text
}
function literal(line) {
  if (!in_literal) print ".Bd -literal"
  in_literal = 1
  section_began = 0
  print escape(line)
}
function end_literal() {
  if (in_literal) print ".Ed"
  in_literal = 0
}
# A line of a comment: prose, or what stands indented as it is.
function prose(line) {
  sub(/^ ?\*( |$)/, "", line)
  if (line == "") { end_literal(); fresh = 1; return }
  if (line ~ /^ /) { literal(line); return }
  end_literal()
  if (fresh && !section_began) print ".Pp"
  fresh = section_began = 0
  gsub(/\. /, ".\n", line) # mdoc wants each sentence on a line of its own
  print escape(line)
}

/^#define LETHE_API/ { started = 1; next }
!started { next }
BEGIN { section_began = 1 }
/^#(ifdef __cplusplus|endif|ifndef)/ || /^extern "C"/ || (/^}$/ && depth == 0) { next }
/^\/\* --- .* --- \*\/$/ { end_literal(); sub(/^\/\* --- /, ""); sub(/ --- \*\/$/, ""); print ".Ss " escape(toupper(substr($0, 1, 1)) substr($0, 2)); section_began = 1; next }
in_comment {
  last = /\*\/$/
  sub(/ ?\*\/$/, "")
  prose($0)
  if (last) in_comment = 0
  next
}
depth == 0 && /^\/\*/ {
  end_literal()
  fresh = 1
  in_comment = !/\*\/$/
  sub(/^\/\* ?/, "")
  sub(/ ?\*\/$/, "")
  if ($0 != "") prose($0)
  next
}
depth == 0 && /^$/ { end_literal(); next }
{
  depth += gsub(/{/, "{") - gsub(/}/, "}")
  sub(/^LETHE_API /, "")
  literal($0)
}
END { end_literal() }
