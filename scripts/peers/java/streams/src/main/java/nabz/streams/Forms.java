package nabz.streams;

import nabz.wire.Cell;
import nabz.wire.Event;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.streams.processor.TimestampExtractor;

/** How records and cells are read and written. */
final class Forms {
  static final String EVENTS = "nabz.events.v1";
  static final String OUT = "peers.out";

  private Forms() {}

  static Serde<Cell> cells() {
    return Serdes.serdeFrom((topic, c) -> c == null ? null : c.encode(), (topic, b) -> b == null ? null : Cell.decode(b));
  }

  /** Time is the event's own. */
  static final class OwnTime implements TimestampExtractor {
    @Override
    public long extract(ConsumerRecord<Object, Object> r, long partitionTime) {
      return Event.timeOf((byte[]) r.value());
    }
  }
}
