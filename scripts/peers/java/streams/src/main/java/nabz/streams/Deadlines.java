package nabz.streams;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import nabz.wire.Event;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * W4: who was not answered in time. There are no timers by key, so a second
 * store holds contacts in the order in which they are due, and a punctuation
 * reads its front. Both stores lie in memory, with changelogs and without a
 * cache, which costs more here than it saves. What is late by less than 91 s
 * is waited for.
 */
final class Deadlines {
  private static final long PROMISE = 1_200_000;
  private static final long LATE = 91_000;

  private Deadlines() {}

  static Topology topology() {
    StreamsBuilder b = new StreamsBuilder();
    b.addStateStore(Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("pending"), Serdes.String(), Serdes.Long()));
    b.addStateStore(Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("due"), Serdes.Bytes(), Serdes.ByteArray()));
    b.stream(Forms.EVENTS, Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()).withTimestampExtractor(new Forms.OwnTime()))
        .process(Watch::new, "pending", "due")
        .to(Forms.OUT, Produced.with(Serdes.String(), Serdes.String()));
    return b.build();
  }

  private static final class Watch implements Processor<byte[], byte[], String, String> {
    private static final byte[] NOTHING = new byte[0];

    private final Event e = new Event();
    private ProcessorContext<String, String> context;
    private KeyValueStore<String, Long> pending;
    private KeyValueStore<Bytes, byte[]> due;

    @Override
    public void init(ProcessorContext<String, String> c) {
      context = c;
      pending = c.getStateStore("pending");
      due = c.getStateStore("due");
      c.schedule(Duration.ofSeconds(1), PunctuationType.STREAM_TIME, this::fire);
    }

    private static Bytes key(long at, String contact) {
      byte[] name = contact.getBytes(StandardCharsets.ISO_8859_1);
      return Bytes.wrap(ByteBuffer.allocate(8 + name.length).putLong(at).put(name).array());
    }

    private void fire(long now) {
      try (KeyValueIterator<Bytes, byte[]> over = due.range(key(0, ""), key(now - LATE, ""))) {
        while (over.hasNext()) {
          KeyValue<Bytes, byte[]> x = over.next();
          byte[] k = x.key.get();
          String contact = new String(k, 8, k.length - 8, StandardCharsets.ISO_8859_1);
          context.forward(new Record<>(contact, Long.toString(ByteBuffer.wrap(k).getLong()), now));
          due.delete(x.key);
          pending.delete(contact);
        }
      }
    }

    @Override
    public void process(Record<byte[], byte[]> r) {
      e.read(r.value());
      if (e.type == Event.QUEUED) {
        String contact = e.contact();
        long at = e.time + PROMISE;
        if (pending.putIfAbsent(contact, at) == null) {
          due.put(key(at, contact), NOTHING);
        }
      } else if (e.type == Event.ANSWERED || e.type == Event.ENDED) {
        String contact = e.contact();
        Long at = pending.get(contact);
        // An answer behind the time promised cancels nothing.
        if (at != null && e.time <= at) {
          pending.delete(contact);
          due.delete(key(at, contact));
        }
      }
    }
  }
}
