using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "loader", worker = (
    modules = [(name = "loader.js", esModule = embed "workerd_loader.js")],
    compatibilityDate = "2025-10-01",
    bindings = [
      (name = "loader", workerLoader = ()),
      (name = "actions", text = embed "workerd_actions.js"),
      (name = "libraries", text = embed "workerd_libraries.js"),
    ],
  ))],
  sockets = [(name = "http", address = "unix:socket", http = (), service = "loader")],
);
