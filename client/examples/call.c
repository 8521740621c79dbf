/* SPDX-License-Identifier: Apache-2.0 */
/* One call from C: registers nothing, brings no MessagePack or JSON library.
 *   lethe script put hello client/examples/hello.js
 *   cc -o call call.c $(pkg-config --cflags --libs lethe) && ./call hello greet '["Ada"]' */
#include <lethe.h>
#include <stdio.h>

int main(int count, char **words) {
  if (count != 4) {
    fprintf(stderr, "usage: %s SCRIPT FUNCTION JSON-ARRAY\n", words[0]);
    return 2;
  }
  lethe_reply *reply = NULL;
  lethe_client *client = lethe_connect(NULL, 1000, &reply);
  lethe_builder *arguments = lethe_builder_new();
  if (client && lethe_build_json(arguments, words[3], LETHE_TEXT, &reply)) {
    lethe_options options = LETHE_OPTIONS_INIT;
    options.deadline_ms = 100;
    reply = lethe_call(client, words[1], words[2], lethe_builder_value(arguments), &options);
  }
  const int ok = lethe_reply_ok(reply);
  if (ok) {
    char *text = lethe_value_to_json(lethe_reply_value(reply), 2, NULL);
    puts(text);
    lethe_free(text);
  } else {
    fprintf(stderr, "%s: %s\n", lethe_reply_code(reply), lethe_reply_message(reply));
  }
  lethe_reply_free(reply);
  lethe_builder_free(arguments);
  lethe_close(client);
  return ok ? 0 : 1;
}
