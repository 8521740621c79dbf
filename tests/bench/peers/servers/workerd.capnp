using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "actions", worker = (
    modules = [(name = "actions.js", esModule = embed "workerd_libraries.js")],
    # ajv makes functions of text while the module is evaluated, which is allowed since this date.
    compatibilityDate = "2025-10-01",
  ))],
  sockets = [(name = "http", address = "unix:socket", http = (), service = "actions")],
);
