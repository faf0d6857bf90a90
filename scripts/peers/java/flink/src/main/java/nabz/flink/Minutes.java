package nabz.flink;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import nabz.wire.Cell;
import nabz.wire.Event;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.WindowAssigner;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/**
 * W1 and W2: cells by window. Three fields of an event go to the operator of
 * its key; a cell is kept as an object on the heap and in a compact form in
 * RocksDB; a window is written when the watermark closes it.
 */
final class Minutes {
  private Minutes() {}

  static DataStream<Tuple2<byte[], byte[]>> rows(DataStream<byte[]> events, long size, long advance) {
    WindowAssigner<Object, TimeWindow> windows = size == advance
        ? TumblingEventTimeWindows.of(Duration.ofMillis(size))
        : SlidingEventTimeWindows.of(Duration.ofMillis(size), Duration.ofMillis(advance));
    return events.flatMap(new Pick()).returns(Types.TUPLE(Types.STRING, Types.BYTE, Types.LONG))
        .keyBy(t -> t.f0, Types.STRING)
        .window(windows)
        .aggregate(new Add(), new Write(), new CellType(), new CellType(), Main.rowType());
  }

  /** Key, kind and length of an event; clock records give none. */
  static final class Pick implements FlatMapFunction<byte[], Tuple3<String, Byte, Long>> {
    private transient Event e;
    private transient Tuple3<String, Byte, Long> t;

    @Override
    public void flatMap(byte[] b, Collector<Tuple3<String, Byte, Long>> out) {
      if (e == null) {
        e = new Event();
        t = new Tuple3<>();
      }
      e.read(b);
      byte kind = Cell.kind(e);
      if (kind != 0) {
        t.f0 = e.group();
        t.f1 = kind;
        t.f2 = Cell.length(e);
        out.collect(t);
      }
    }
  }

  static final class Add implements AggregateFunction<Tuple3<String, Byte, Long>, Cell, Cell> {
    @Override
    public Cell createAccumulator() {
      return new Cell();
    }

    @Override
    public Cell add(Tuple3<String, Byte, Long> t, Cell c) {
      c.add(t.f1, t.f2);
      return c;
    }

    @Override
    public Cell getResult(Cell c) {
      return c;
    }

    @Override
    public Cell merge(Cell a, Cell b) {
      a.add(b);
      return a;
    }
  }

  static final class Write extends ProcessWindowFunction<Cell, Tuple2<byte[], byte[]>, String, TimeWindow> {
    @Override
    public void process(String key, Context context, Iterable<Cell> cells, Collector<Tuple2<byte[], byte[]>> out) {
      String name = key + "|" + context.window().getStart();
      out.collect(Tuple2.of(name.getBytes(StandardCharsets.ISO_8859_1), cells.iterator().next().encode()));
    }
  }
}
