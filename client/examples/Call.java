// SPDX-License-Identifier: Apache-2.0
// lethe script put hello client/examples/hello.js; java -cp /usr/share/java/msgpack-core.jar Call.java Ada 2.
// Needs Java 17 (Unix sockets came with 16) and libmsgpack-java (../LIBRARIES.md).
import static org.msgpack.value.ValueFactory.*;

import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.Map;
import java.util.Objects;
import org.msgpack.core.MessagePack;
import org.msgpack.value.*;

class Call {
  public static void main(String[] words) throws Exception {
    String path = Objects.requireNonNullElse(System.getenv("LETHE_SOCKET"), "/run/lethe/lethe.sock");
    try (var socket = SocketChannel.open(UnixDomainSocketAddress.of(path)); var packer = MessagePack.newDefaultBufferPacker()) {
      Value arguments = newArray(newString(words[0]), newInteger(Integer.parseInt(words[1])));
      Value options = newMap(newString("deadline_ms"), newInteger(100));
      packer.packValue(newArray(newInteger(0), newInteger(1), newString("call"),
                                newArray(newString("hello"), newString("greet"), arguments, options)));
      socket.write(ByteBuffer.wrap(packer.toByteArray()));
      ArrayValue reply = MessagePack.newDefaultUnpacker(socket).unpackValue().asArrayValue();
      if (!reply.get(2).isNilValue()) {
        Map<Value, Value> error = reply.get(2).asMapValue().map();
        Value line = error.get(newString("line"));
        String place = line == null ? "" : " (" + error.get(newString("script")) + ":" + line + ")";
        System.err.println(error.get(newString("code")) + ": " + error.get(newString("message")) + place);
        System.exit(1);
      }
      System.out.println(reply.get(3));
    }
  }
}
