package nabz.streams;

import java.nio.ByteBuffer;
import java.time.Duration;
import nabz.wire.Cell;
import nabz.wire.Event;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.state.Stores;

/**
 * W1 and W2: cells by window. An event becomes nine bytes before it goes
 * through the repartition topic; windows are kept in memory with a cache before
 * them and a changelog behind; every change of a second is written once.
 */
final class Minutes {
  /**
   * Partitions that are caught up run minutes apart, and the time of a task is
   * the greatest that it saw: a shorter grace drops what the slower one brings.
   */
  private static final Duration GRACE = Duration.ofHours(24);

  private Minutes() {}

  static Topology topology(long size, long advance) {
    StreamsBuilder b = new StreamsBuilder();
    Event e = new Event();
    TimeWindows windows = TimeWindows.ofSizeAndGrace(Duration.ofMillis(size), GRACE).advanceBy(Duration.ofMillis(advance));
    b.stream(Forms.EVENTS, Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()).withTimestampExtractor(new Forms.OwnTime()))
        .flatMap((k, v) -> {
          e.read(v);
          byte kind = Cell.kind(e);
          if (kind == 0) {
            return java.util.List.<KeyValue<String, byte[]>>of();
          }
          return java.util.List.of(KeyValue.pair(e.group(), ByteBuffer.allocate(9).put(kind).putLong(Cell.length(e)).array()));
        })
        .groupByKey(Grouped.with("by-group", Serdes.String(), Serdes.ByteArray()))
        .windowedBy(windows)
        .aggregate(Cell::new, (k, v, cell) -> {
          ByteBuffer x = ByteBuffer.wrap(v);
          cell.add(x.get(), x.getLong());
          return cell;
        }, Materialized.<String, Cell>as(Stores.inMemoryWindowStore("cells", GRACE.plusHours(1), Duration.ofMillis(size), false))
            .withKeySerde(Serdes.String()).withValueSerde(Forms.cells()).withCachingEnabled())
        .toStream((window, cell) -> window.key() + "|" + window.window().start())
        .to(Forms.OUT, Produced.with(Serdes.String(), Forms.cells()));
    return b.build();
  }
}
