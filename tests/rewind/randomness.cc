// SPDX-License-Identifier: Apache-2.0
// Randomness is not rewound: no random number comes twice, whatever was forked, rewound, snapshot
// or started again in between.
#include "tests/harness/daemon.h"

#include <criterion/criterion.h>
#include <csignal>
#include <deque>
#include <set>

using namespace lethe::test;

TestSuite(randomness, .timeout = 300);

namespace {

// Whatever random source there is, as text; several draws, as a repeated state might show only in
// the second.
constexpr const char *draw = R"((function () {
  return [String(Math.random()), String(Math.random()), 'bytes ' + crypto.getRandomValues(new Uint8Array(16)).join(),
    'many bytes ' + crypto.getRandomValues(new Uint8Array(600)).join(), 'uuid ' + crypto.randomUUID()];
})())";

// What is random inside OpenSSL: keys, salts, the nonces of signatures. The same nonce in two ECDSA
// signatures of different data would give the key away.
constexpr const char *draw_secrets = R"((async function () {
  const { subtle } = crypto;
  const text = (bytes) => Array.from(new Uint8Array(bytes)).join();
  const data = new Uint8Array(10);
  const aes = await subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']);
  const hmac = await subtle.generateKey({ name: 'HMAC', hash: 'SHA-1' }, true, ['sign']);
  const ec = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']);
  const ed = await subtle.generateKey('Ed25519', true, ['sign']);
  const rsa = await subtle.generateKey({ name: 'RSA-PSS', hash: 'SHA-1', modulusLength: 512, publicExponent: new Uint8Array([3]) }, true, ['sign']);
  const fixed = { kty: 'EC', crv: 'P-521',
    x: 'AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt',
    y: 'AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1',
    d: 'AAhRON2r9cqXX1hg-RoI6R1tX5p2rUAYdmpHZoC1XNM56KtscrX6zbKipQrCW9CGZH3T4ubpnoTKLDYJ_fF3_rJt' };
  const signer = await subtle.importKey('jwk', fixed, { name: 'ECDSA', namedCurve: 'P-521' }, false, ['sign']);
  const sign = async () => 'nonce ' + text((await subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, signer, data)).slice(0, 66));
  const pss = await subtle.importKey('pkcs8', await subtle.exportKey('pkcs8', rsa.privateKey), { name: 'RSA-PSS', hash: 'SHA-1' }, false, ['sign']);
  return [await sign(), await sign(), 'aes ' + text(await subtle.exportKey('raw', aes)), 'hmac ' + text(await subtle.exportKey('raw', hmac)),
    'ec ' + text(await subtle.exportKey('raw', ec.publicKey)), 'ed ' + text(await subtle.exportKey('raw', ed.publicKey)),
    'rsa ' + (await subtle.exportKey('jwk', rsa.publicKey)).n,
    'salt ' + text(await subtle.sign({ name: 'RSA-PSS', saltLength: 20 }, pss, data)), 'salt ' + text(await subtle.sign({ name: 'RSA-PSS', saltLength: 20 }, pss, data))];
})())";

// Draws `count` times and adds what came; fails at what came before.
class Drawn {
public:
  explicit Drawn(const char *source) : source_(source) {}
  void add(Client &client, int count, bool from_script = false) {
    std::deque<uint32_t> running;
    for (int i = 0; i < count; ++i) {
      running.push_back(from_script
                            ? client.start("call", {"dice", "draw", json::array(), patient_})
                            : client.start("eval", {source_, patient_}));
      if (running.size() == 16)
        take(client, running);
    }
    while (!running.empty())
      take(client, running);
  }
  size_t size() const { return values_.size(); }

private:
  void take(Client &client, std::deque<uint32_t> &running) {
    const Reply reply = client.wait(running.front());
    running.pop_front();
    expect(!reply.failed(), "no random numbers: " + (reply.failed() ? shown(reply.error()) : ""));
    for (const json &value : reply.result())
      expect(values_.insert(value).second,
             value.dump() + " came twice, after " + std::to_string(values_.size()) + " values");
  }

  const char *source_;
  const json patient_ = {{"deadline_ms", 30'000}}; // keys take long on a busy machine
  std::set<std::string> values_;
};

void never_repeats(const std::string &isolation, int count, const char *source = draw) {
  const std::string dice = std::string("function draw() { return ") + source + "; }";
  Daemon daemon({"pool.default.workers=4", "pool.default.isolation=" + isolation});
  Drawn drawn(source);
  for (int round = 0; round < 3; ++round) {
    Client client = daemon.connect();
    client.put("dice", dice); // another generation
    drawn.add(client, count);
    drawn.add(client, count, true);
    for (const pid_t worker : daemon.workers()) // other forks of the same generation
      ::kill(worker, SIGKILL);
    drawn.add(client, count);
    ::kill(daemon.zygote(), SIGKILL); // the same generation, made again
    drawn.add(client, count, true);
    daemon.stop(); // from the same snapshot
    daemon.start();
  }
  cr_log_info("%s: %zu random values, all different", isolation.c_str(), drawn.size());
}

} // namespace

Test(randomness, never_repeats_under_rewind) { never_repeats("rewind", 500); }

Test(randomness, never_repeats_under_process) { never_repeats("process", 40); }

Test(randomness, never_repeats_under_reuse) { never_repeats("reuse", 200); }

Test(randomness, secrets_never_repeat_under_rewind) { never_repeats("rewind", 30, draw_secrets); }

Test(randomness, secrets_never_repeat_under_process) { never_repeats("process", 10, draw_secrets); }

Test(randomness, secrets_never_repeat_under_reuse) { never_repeats("reuse", 30, draw_secrets); }

Test(randomness, drawn_while_a_script_is_loaded_stays_for_its_generation_only) {
  Daemon daemon({"pool.default.workers=1", "pool.default.isolation=rewind"});
  Client client = daemon.connect();
  const std::string source = "const drawn = Math.random(); function read() { return drawn; }";
  client.put("s", source);
  const json drawn = client.call("s", "read");
  for (int i = 0; i < 10; ++i)
    expect_equal(client.call("s", "read"), drawn); // as every other constant of the script
  client.put("s", source + "//");
  expect(client.call("s", "read") != drawn, "loaded twice, it drew the same");
}
