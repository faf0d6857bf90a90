package nabz.streams;
import org.apache.kafka.streams.Topology;
final class Calls { static Topology topology() { return new Topology(); } }
