// SPDX-License-Identifier: Apache-2.0
// lethe eval, call, chain.
#include "client/command/command_line.h"
#include "client/command/report.h"

#include <iostream>

namespace lethe::command {
namespace {

// Registered scripts are asked for, so that an error can show its line.
SourceOf registered_sources(Client &client) {
  return [&client](const std::string &script) -> std::optional<std::string> {
    const Reply reply = client.invoke("script.get", Builder().array(1).string(script));
    const auto source = reply.value()["source"].bytes();
    return reply && source ? std::optional<std::string>(*source) : std::nullopt;
  };
}

void add_eval(CLI::App &app, CommandLine &line) {
  struct Arguments {
    std::string code;
    std::vector<std::string> globals;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App *eval = app.add_subcommand("eval", "Evaluate code and print its completion value");
  eval->add_option("CODE", arguments->code, "JavaScript; - reads it from standard input")
      ->required();
  eval->add_option("--global", arguments->globals, "A global variable; may be repeated")
      ->type_name("NAME=JSON")
      ->allow_extra_args(false);
  eval->footer("Examples:\n"
               "  lethe eval '6 * 7'\n"
               "  lethe eval 'user.roles.length' --global 'user={\"roles\": [\"admin\"]}'\n"
               "  lethe eval - --deadline 100 < script.js");
  add_common_options(*eval, line);
  add_limit_options(*eval, line);
  eval->callback([&line, arguments] {
    const std::string code = arguments->code == "-" ? read_file("-") : arguments->code;
    Builder globals;
    globals.map(static_cast<uint32_t>(arguments->globals.size()));
    for (const auto &global : arguments->globals) {
      const size_t equals = global.find('=');
      if (equals == 0 || equals == std::string::npos)
        throw UsageError("--global " + global + ": expected NAME=JSON");
      globals.string(global.substr(0, equals));
      globals.value(json_value("--global " + global, global.substr(equals + 1)));
    }
    line.action = [&line, code, globals = std::make_shared<Builder>(std::move(globals)),
                   has_globals = !arguments->globals.empty()] {
      return with_client(line, [&](Client &client) {
        Options options = line.options();
        if (has_globals)
          options.globals = *globals;
        const SourceOf registered = registered_sources(client);
        return report(client.eval(code, options), line.json, [&](const std::string &script) {
          const auto source = registered(script);
          return source ? source : code;
        });
      });
    };
  });
}

struct CallArguments {
  std::string script, function;
  std::vector<std::string> values;
  std::string url, method, body, env;
  std::vector<std::string> headers; // "name: value"
  bool includes_head = false;
};

FetchRequest fetch_request(const CallArguments &arguments) {
  FetchRequest request{
      .url = arguments.url, .method = arguments.method, .function = arguments.function};
  for (const std::string &header : arguments.headers) {
    const size_t colon = header.find(':');
    if (colon == 0 || colon == std::string::npos)
      throw UsageError("--header '" + header + "': expected 'NAME: VALUE'");
    const size_t value = std::min(header.find_first_not_of(' ', colon + 1), header.size());
    request.headers.emplace_back(header.substr(0, colon), header.substr(value));
  }
  const std::string &body = arguments.body;
  if (!body.empty())
    request.body = body.starts_with('@') ? read_file(body.substr(1)) : body;
  return request;
}

// The body as it is; before it the head as curl shows one, if it is wanted.
void print_response(Value response, bool includes_head) {
  if (includes_head) {
    std::cout << "HTTP/1.1 " << as_text(response["status"]) << ' '
              << as_text(response["statusText"]) << "\r\n";
    response["headers"].for_each([](Value, Value pair) {
      std::cout << as_text(pair[size_t{0}]) << ": " << as_text(pair[1]) << "\r\n";
    });
    std::cout << "\r\n";
  }
  std::cout << response["body"].bytes().value_or("") << std::flush;
}

int fetch(const CallArguments &arguments, const FetchRequest &request, const CommandLine &line) {
  return with_client(line, [&](Client &client) {
    const Reply reply = client.fetch(arguments.script, request, line.options());
    if (!reply || line.json)
      return report(reply, line.json, registered_sources(client));
    print_response(reply.value(), arguments.includes_head);
    return int{success};
  });
}

void add_fetch_options(CLI::App &call, CallArguments &arguments) {
  CLI::Option *url =
      call.add_option("--fetch", arguments.url,
                      "Ask a Workers-like module, export default { fetch }, for this "
                      "URL, and print the body of its answer")
          ->type_name("URL");
  call.add_option("--method", arguments.method, "GET, or POST with --body, unless it is given")
      ->needs(url);
  call.add_option("--header", arguments.headers, "A header of the request; may be repeated")
      ->type_name("'NAME: VALUE'")
      ->allow_extra_args(false)
      ->needs(url);
  call.add_option("--body", arguments.body,
                  "The request's body; @FILE reads it from a file, @- from standard input")
      ->type_name("TEXT")
      ->needs(url);
  call.add_option("--env", arguments.env, "The function's second argument, a map")
      ->type_name("JSON")
      ->needs(url);
  call.add_flag("-i,--include", arguments.includes_head, "Print the head of the answer, too")
      ->needs(url);
}

void add_call(CLI::App &app, CommandLine &line) {
  const auto arguments = std::make_shared<CallArguments>();
  CLI::App *call = app.add_subcommand("call", "Call a function of a registered script");
  call->add_option("SCRIPT", arguments->script, "The script's name")->required();
  call->add_option("FUNCTION", arguments->function,
                   "The function's name, or the path to it: api.users.get. With --fetch it may be "
                   "left out: default.fetch");
  call->add_option("JSON", arguments->values, "The function's arguments");
  add_fetch_options(*call, *arguments);
  call->footer(
      "Examples:\n"
      "  lethe call acme/login onLogin '{\"user\": \"ada\"}' 3\n"
      "  lethe call acme/hash digest '{\"$bin\": \"AAEC\"}' --deadline 50\n"
      "  lethe call acme/site --fetch https://example.com/ --header 'Accept: text/html' -i");
  add_common_options(*call, line);
  add_limit_options(*call, line);
  call->callback([&line, arguments] {
    if (!arguments->url.empty()) {
      if (!arguments->values.empty())
        throw UsageError("--fetch takes no JSON: the request is made of the options");
      const auto env = std::make_shared<Builder>();
      if (!arguments->env.empty())
        env->value(json_value("--env", arguments->env));
      auto request = std::make_shared<FetchRequest>(fetch_request(*arguments));
      line.action = [&line, arguments, request, env] {
        request->env = *env;
        return fetch(*arguments, *request, line);
      };
      return;
    }
    if (arguments->function.empty())
      throw UsageError("FUNCTION is required");
    const auto values = std::make_shared<Builder>(json_array(arguments->values));
    line.action = [&line, arguments, values] {
      return with_client(line, [&](Client &client) {
        return report(client.call(arguments->script, arguments->function, *values, line.options()),
                      line.json, registered_sources(client));
      });
    };
  });
}

Client::Step parse_step(const std::string &text) {
  const size_t colon = text.rfind(':');
  if (colon == 0 || colon == std::string::npos || colon + 1 == text.size())
    throw UsageError(text + ": expected SCRIPT:FUNCTION");
  return {text.substr(0, colon), text.substr(colon + 1)};
}

void add_chain(CLI::App &app, CommandLine &line) {
  struct Arguments {
    std::vector<std::string> steps;
    std::string input = "null";
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App *chain =
      app.add_subcommand("chain", "Pass a value through several functions, one after the other");
  chain->add_option("STEP", arguments->steps, "The functions, each as SCRIPT:FUNCTION")
      ->required(); // CLI11 2.4 takes no colon in a name
  chain->add_option("--input", arguments->input, "What the first gets; @FILE reads it from a file")
      ->type_name("JSON");
  chain->footer(
      "Example:\n"
      "  lethe chain login/check-account:onLogin login/claims:onLogin --input @context.json");
  add_common_options(*chain, line);
  add_limit_options(*chain, line);
  chain->callback([&line, arguments] {
    std::vector<Client::Step> steps;
    for (const auto &step : arguments->steps)
      steps.push_back(parse_step(step));
    const std::string &given = arguments->input;
    const auto input = std::make_shared<Builder>(
        json_value("--input", given.starts_with('@') ? read_file(given.substr(1)) : given));
    line.action = [&line, steps, input] {
      return with_client(line, [&](Client &client) {
        return report(client.chain(steps, *input, line.options()), line.json,
                      registered_sources(client));
      });
    };
  });
}

} // namespace

void add_call_commands(CLI::App &app, CommandLine &line) {
  add_eval(app, line);
  add_call(app, line);
  add_chain(app, line);
}

} // namespace lethe::command
