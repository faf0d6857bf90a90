package nabz.flink;

import nabz.wire.Event;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.KeyedStream;
import org.apache.flink.util.Collector;

/** Events by the contact that they are of; clock records have none and go no further. */
final class ByContact implements FlatMapFunction<byte[], Tuple2<String, byte[]>> {
  private transient Event e;

  static KeyedStream<Tuple2<String, byte[]>, String> of(DataStream<byte[]> events) {
    return events.flatMap(new ByContact()).returns(Types.TUPLE(Types.STRING, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO))
        .keyBy(t -> t.f0, Types.STRING);
  }

  @Override
  public void flatMap(byte[] b, Collector<Tuple2<String, byte[]>> out) {
    if (e == null) {
      e = new Event();
    }
    e.read(b);
    if (e.type >= Event.QUEUED && e.type <= Event.WRAPUP) {
      out.collect(Tuple2.of(e.contact(), b));
    }
  }
}
