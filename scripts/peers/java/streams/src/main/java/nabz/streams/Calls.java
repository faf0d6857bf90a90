package nabz.streams;

import java.time.Duration;
import java.util.ArrayDeque;
import nabz.wire.Call;
import nabz.wire.Event;
import org.apache.kafka.common.serialization.Serdes;
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
 * W3: one fact of each contact's events. The log is already partitioned by
 * contact, so a processor with a store of its own needs no repartition. What is
 * known of a call lies in memory with a changelog behind; a call that is told
 * stays as a mark until its repeats have passed.
 */
final class Calls {
  /** No repeat comes later. */
  private static final long REPEATS = 120_000;

  private Calls() {}

  static Topology topology() {
    StreamsBuilder b = new StreamsBuilder();
    b.addStateStore(Stores.keyValueStoreBuilder(Stores.inMemoryKeyValueStore("calls"), Serdes.String(), Serdes.ByteArray()));
    b.stream(Forms.EVENTS, Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()).withTimestampExtractor(new Forms.OwnTime()))
        .process(Fold::new, "calls")
        .to(Forms.OUT, Produced.with(Serdes.String(), Serdes.ByteArray()));
    return b.build();
  }

  private static final class Fold implements Processor<byte[], byte[], String, byte[]> {
    private record Told(String contact, long at) {}

    private final Event e = new Event();
    private final Call call = new Call();
    private final ArrayDeque<Told> told = new ArrayDeque<>();
    private ProcessorContext<String, byte[]> context;
    private KeyValueStore<String, byte[]> calls;

    @Override
    public void init(ProcessorContext<String, byte[]> c) {
      context = c;
      calls = c.getStateStore("calls");
      try (KeyValueIterator<String, byte[]> all = calls.all()) {
        while (all.hasNext()) {
          var x = all.next();
          call.read(x.value);
          if (call.told()) {
            told.add(new Told(x.key, call.last()));
          }
        }
      }
      c.schedule(Duration.ofSeconds(10), PunctuationType.STREAM_TIME, this::forget);
    }

    private void forget(long now) {
      while (!told.isEmpty() && told.peek().at() + REPEATS < now) {
        calls.delete(told.poll().contact());
      }
    }

    @Override
    public void process(Record<byte[], byte[]> r) {
      e.read(r.value());
      if (e.type < Event.QUEUED || e.type > Event.WRAPUP) {
        return;
      }
      String contact = e.contact();
      byte[] known = calls.get(contact);
      if (known == null) {
        call.reset();
      } else {
        call.read(known);
      }
      if (!call.take(e)) {
        return;
      }
      if (call.whole()) {
        context.forward(r.withKey(contact).withValue(call.fact()));
        call.tell();
        told.add(new Told(contact, call.last()));
      }
      calls.put(contact, call.encode());
    }
  }
}
