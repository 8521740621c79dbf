// SPDX-License-Identifier: Apache-2.0
// Java's msgpack-core. usage: java -cp msgpack-core.jar Core.java SOCKET
import static org.msgpack.value.ValueFactory.*;

import java.io.IOException;
import java.math.BigInteger;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Instant;
import java.util.*;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.msgpack.core.*;
import org.msgpack.value.*;

class Core {
  static class Refused extends Exception {
    final Map<Value, Value> error;

    Refused(Value error) { this.error = error.asMapValue().map(); }
  }

  static UnixDomainSocketAddress address;

  static void send(SocketChannel channel, Value... parts) throws IOException {
    try (MessageBufferPacker packer = MessagePack.newDefaultBufferPacker()) {
      packer.packValue(newArray(parts));
      ByteBuffer bytes = ByteBuffer.wrap(packer.toByteArray());
      while (bytes.hasRemaining()) channel.write(bytes);
    }
  }

  // The result; console lines go to the list, if there is one. One connection for each.
  static Value call(String function, List<Value> arguments, Value options, List<String> console, Function<ArrayValue, Value[]> host) throws Exception {
    try (SocketChannel channel = SocketChannel.open(address); MessageUnpacker unpacker = MessagePack.newDefaultUnpacker(channel)) {
      send(channel, newInteger(0), newInteger(1), newString("call"),
           newArray(newString("interop"), newString(function), newArray(arguments), options));
      while (true) {
        ArrayValue message = unpacker.unpackValue().asArrayValue();
        switch (message.get(0).asIntegerValue().asInt()) {
          case 0 -> {
            Value[] answer = host.apply(message.get(3).asArrayValue().get(2).asArrayValue());
            send(channel, newInteger(1), message.get(1), answer[0], answer[1]);
          }
          case 1 -> {
            if (!message.get(2).isNilValue()) throw new Refused(message.get(2));
            return message.get(3);
          }
          default -> console.add(message.get(2).asArrayValue().get(1) + " " + message.get(2).asArrayValue().get(2));
        }
      }
    }
  }

  static void say(String name, Callable<Object> attempt) {
    Object outcome;
    try {
      outcome = attempt.call();
    } catch (Refused refused) {
      StringJoiner parts = new StringJoiner(" ");
      for (String key : List.of("code", "name", "message"))
        if (refused.error.containsKey(newString(key))) parts.add(refused.error.get(newString(key)).toString());
      outcome = parts;
    } catch (Throwable problem) {
      outcome = problem;
    }
    System.out.println(name + "\t" + outcome);
  }

  static Value date(String text) {
    return newTimestamp(Instant.parse(text));
  }

  public static void main(String[] words) {
    address = UnixDomainSocketAddress.of(words[0]);
    Value deep = newArray();
    for (int i = 1; i < 250; ++i) deep = newArray(deep);
    Value admin = newMap(newString("admin"), newBoolean(true));
    Map<String, Value> values = new LinkedHashMap<>();
    values.put("nil", newNil());
    values.put("booleans", newArray(newBoolean(true), newBoolean(false)));
    values.put("integers", newArray(newInteger(0), newInteger(7), newInteger(-7), newInteger(300), newInteger(-70000), newInteger(1L << 40)));
    values.put("largest_safe", newInteger((1L << 53) - 1));
    values.put("beyond_safe", newInteger((1L << 53) + 1));
    values.put("largest_uint64", newInteger(BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE)));
    values.put("smallest_int64", newInteger(Long.MIN_VALUE));
    values.put("float", newFloat(1.5));
    values.put("whole_float", newFloat(1e18));
    values.put("minus_zero", newFloat(-0.0));
    values.put("infinity", newFloat(Double.POSITIVE_INFINITY));
    values.put("nan", newFloat(Double.NaN));
    values.put("text", newString("grüße 😀"));
    values.put("long_text", newString("\ufeff" + "long ".repeat(60)));
    values.put("digits", newString("42"));
    values.put("bytes", newBinary(new byte[] {0, (byte) 0xff, (byte) 0x80}));
    values.put("date", date("2024-01-31T10:20:30.250Z"));
    values.put("date_before_1970", date("1969-07-20T20:17:40.500Z"));
    values.put("date_in_3000", date("3000-01-01T00:00:00Z"));
    values.put("array", newArray(newInteger(1), newArray(newString("a"), newNil())));
    values.put("empty_array", newArray());
    values.put("map", newMap(newString("name"), newString("Ada"), newString("tags"), admin));
    values.put("empty_map", emptyMap());
    values.put("map_by_numbers", newMap(newInteger(1), newString("one"), newInteger(-2), newString("minus two")));
    values.put("map_by_arrays", newMap(newArray(newInteger(1), newInteger(2)), newString("a pair")));
    values.put("map_with_nil", newMap(newNil(), newString("Session"), newString("name"), newString("Ada")));
    values.put("map_with_proto", newMap(newString("__proto__"), admin, newString("name"), newString("Ada")));
    values.put("deep", deep);
    Value nil = newNil();
    values.forEach((name, value) -> {
      say("to." + name, () -> call("take", List.of(value), nil, null, null));
      say("from." + name, () -> {
        Value given = call("give", List.of(newString(name)), nil, null, null);
        boolean nan = given.isFloatValue() && value.isFloatValue() && Double.isNaN(given.asFloatValue().toDouble());
        return given.equals(value) || nan ? "same" : given.getValueType() + " " + given;
      });
    });
    say("unpack_double", () -> {
      try (MessageBufferPacker packer = MessagePack.newDefaultBufferPacker()) {
        packer.packValue(call("give", List.of(newString("largest_safe")), nil, null, null));
        return MessagePack.newDefaultUnpacker(packer.toByteArray()).unpackDouble();
      }
    });
    say("error", () -> call("fail", List.of(), nil, null, null));
    say("deadline", () -> call("spin", List.of(), newMap(newString("deadline_ms"), newInteger(100)), null, null));
    say("true_option", () -> {
      List<String> console = new ArrayList<>();
      call("log", List.of(), newMap(newString("console"), newBoolean(true)), console, null);
      return console.get(0);
    });
    say("no_options", () -> call("log", List.of(), emptyMap(), null, null));
    say("host_call", () -> call("ask", List.of(), nil, null, numbers -> {
      double sum = 0;
      for (Value each : numbers) sum += each.asNumberValue().toDouble();
      return new Value[] {nil, newFloat(sum)};
    }));
    say("host_error", () -> call("ask_in_vain", List.of(), nil, null, arguments -> new Value[] {newString("not allowed"), nil}));
  }
}
