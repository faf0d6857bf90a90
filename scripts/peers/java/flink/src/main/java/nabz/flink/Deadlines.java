package nabz.flink;

import java.nio.charset.StandardCharsets;
import nabz.wire.Event;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** W4: who was not answered in time, by a timer of each contact that its answer deletes. */
final class Deadlines {
  private static final long PROMISE = 1_200_000;

  private Deadlines() {}

  static DataStream<Tuple2<byte[], byte[]>> rows(DataStream<byte[]> events) {
    return ByContact.of(events).process(new Watch()).returns(Main.rowType());
  }

  static final class Watch extends KeyedProcessFunction<String, Tuple2<String, byte[]>, Tuple2<byte[], byte[]>> {
    private transient Event e;
    private transient ValueState<Long> due;

    @Override
    public void open(OpenContext context) {
      e = new Event();
      due = getRuntimeContext().getState(new ValueStateDescriptor<>("due", Types.LONG));
    }

    @Override
    public void processElement(Tuple2<String, byte[]> t, Context context, Collector<Tuple2<byte[], byte[]>> out) throws Exception {
      e.read(t.f1);
      Long at = due.value();
      if (e.type == Event.QUEUED && at == null) {
        due.update(e.time + PROMISE);
        context.timerService().registerEventTimeTimer(e.time + PROMISE);
      } else if ((e.type == Event.ANSWERED || e.type == Event.ENDED) && at != null && e.time <= at) {
        context.timerService().deleteEventTimeTimer(at);
        due.clear();
      }
    }

    @Override
    public void onTimer(long at, OnTimerContext context, Collector<Tuple2<byte[], byte[]>> out) {
      out.collect(Tuple2.of(context.getCurrentKey().getBytes(StandardCharsets.ISO_8859_1), Long.toString(at).getBytes(StandardCharsets.ISO_8859_1)));
      due.clear();
    }
  }
}
