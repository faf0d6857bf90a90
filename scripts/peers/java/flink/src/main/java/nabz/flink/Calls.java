package nabz.flink;

import java.nio.charset.StandardCharsets;
import nabz.wire.Call;
import nabz.wire.Event;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * W3: one fact of each contact's events. What is known of a call is a flat
 * object; a timer forgets a call that is told once its repeats have passed.
 */
final class Calls {
  private static final long REPEATS = 120_000;

  private Calls() {}

  static DataStream<Tuple2<byte[], byte[]>> rows(DataStream<byte[]> events) {
    return ByContact.of(events).process(new Fold()).returns(Main.rowType());
  }

  static final class Fold extends KeyedProcessFunction<String, Tuple2<String, byte[]>, Tuple2<byte[], byte[]>> {
    private transient Event e;
    private transient ValueState<Call> calls;

    @Override
    public void open(OpenContext context) {
      e = new Event();
      calls = getRuntimeContext().getState(new ValueStateDescriptor<>("calls", Types.POJO(Call.class)));
    }

    @Override
    public void processElement(Tuple2<String, byte[]> t, Context context, Collector<Tuple2<byte[], byte[]>> out) throws Exception {
      e.read(t.f1);
      Call call = calls.value();
      if (call == null) {
        call = new Call();
      }
      if (!call.take(e)) {
        return;
      }
      if (call.whole()) {
        out.collect(Tuple2.of(t.f0.getBytes(StandardCharsets.ISO_8859_1), call.fact()));
        call.tell();
        context.timerService().registerEventTimeTimer(call.last() + REPEATS);
      }
      calls.update(call);
    }

    @Override
    public void onTimer(long at, OnTimerContext context, Collector<Tuple2<byte[], byte[]>> out) {
      calls.clear();
    }
  }
}
