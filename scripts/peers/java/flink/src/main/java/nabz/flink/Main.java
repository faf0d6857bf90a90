package nabz.flink;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Properties;
import java.util.stream.Stream;
import nabz.wire.Event;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.CheckpointingMode;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The workloads in Flink: WORKLOAD BROKERS GROUP STATE DIR, where STATE is heap
 * or rocksdb.
 *
 * <p>One slot on one core, objects used again, a checkpoint a second, exactly
 * once inside, upserts by key at least once outside, as Nabz writes them.
 */
public final class Main {
  /** How much later than its own time an event may come: 30 s late, and repeats a minute behind. */
  private static final Duration LATE = Duration.ofSeconds(91);

  private Main() {}

  public static void main(String[] args) throws Exception {
    Configuration c = new Configuration();
    c.setString("taskmanager.memory.process.size", "1728m");
    c.setString("taskmanager.numberOfTaskSlots", "1");
    c.setString("state.backend.type", args[3].equals("heap") ? "hashmap" : "rocksdb");
    c.setString("execution.checkpointing.incremental", "true");
    c.setString("execution.checkpointing.storage", "filesystem");
    c.setString("execution.checkpointing.dir", "file://" + args[4] + "/checkpoints");
    c.setString("state.backend.rocksdb.localdir", args[4] + "/rocksdb");
    c.setString("state.backend.rocksdb.memory.managed", "true");
    c.setString("taskmanager.memory.managed.size", "256m");
    c.setString("execution.buffer-timeout.interval", "100 ms");
    c.setString("restart-strategy.type", "none");
    c.setString("execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION");
    Path newest = newest(Path.of(args[4], "checkpoints"));
    if (newest != null) {
      c.setString("execution.state-recovery.path", newest.toUri().toString());
    }
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1, c);
    // The heap is written whole at each checkpoint: with many keys, less often.
    boolean many = args[0].equals("w5") && args[3].equals("heap");
    env.enableCheckpointing(many ? 10_000 : 1_000, CheckpointingMode.EXACTLY_ONCE);
    env.getConfig().enableObjectReuse();
    Properties consumer = new Properties();
    consumer.put("fetch.max.bytes", String.valueOf(32 << 20));
    consumer.put("max.partition.fetch.bytes", String.valueOf(8 << 20));
    consumer.put("max.poll.records", "10000");
    KafkaSource<byte[]> source = KafkaSource.<byte[]>builder()
        .setBootstrapServers(args[1]).setGroupId(args[2]).setTopics("nabz.events.v1")
        .setStartingOffsets(OffsetsInitializer.earliest()).setValueOnlyDeserializer(new Bytes())
        .setProperties(consumer).build();
    WatermarkStrategy<byte[]> time = WatermarkStrategy.<byte[]>forBoundedOutOfOrderness(LATE)
        .withTimestampAssigner((b, at) -> Event.timeOf(b));
    DataStream<byte[]> events = env.fromSource(source, time, "events");
    DataStream<Tuple2<byte[], byte[]>> rows = switch (args[0]) {
      case "w1" -> Minutes.rows(events, 60_000, 60_000);
      case "w2" -> Minutes.rows(events, 300_000, 60_000);
      case "w3", "w5" -> Calls.rows(events);
      case "w4" -> Deadlines.rows(events);
      default -> throw new IllegalArgumentException("workload " + args[0]);
    };
    Properties producer = new Properties();
    producer.put("linger.ms", "100");
    producer.put("batch.size", String.valueOf(512 << 10));
    producer.put("compression.type", "lz4");
    rows.sinkTo(KafkaSink.<Tuple2<byte[], byte[]>>builder().setBootstrapServers(args[1])
        .setDeliveryGuarantee(DeliveryGuarantee.AT_LEAST_ONCE).setKafkaProducerConfig(producer)
        .setRecordSerializer((KafkaRecordSerializationSchema<Tuple2<byte[], byte[]>>) (r, context, at) -> new ProducerRecord<>("peers.out", r.f0, r.f1))
        .build());
    env.execute(args[0]);
  }

  /** The newest whole checkpoint, which a job that was killed goes on from; null: there is none. */
  private static Path newest(Path dir) throws IOException {
    if (!Files.exists(dir)) {
      return null;
    }
    try (Stream<Path> all = Files.walk(dir, 3)) {
      return all.filter(p -> p.endsWith("_metadata")).max(Comparator.comparingLong(p -> p.toFile().lastModified())).map(Path::getParent).orElse(null);
    }
  }

  /** Rows as the sink takes them: key and value. */
  static TypeInformation<Tuple2<byte[], byte[]>> rowType() {
    return Types.TUPLE(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);
  }

  /** Messages as they are: they are read where they are used. */
  static final class Bytes implements DeserializationSchema<byte[]> {
    @Override
    public byte[] deserialize(byte[] b) {
      return b;
    }

    @Override
    public boolean isEndOfStream(byte[] b) {
      return false;
    }

    @Override
    public TypeInformation<byte[]> getProducedType() {
      return PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;
    }
  }
}
