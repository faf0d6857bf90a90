package nabz.wire;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** What is known of one call, by the times of its events. */
public final class Call {
  private static final int TOLD = 1 << 7;

  /** A bit for each event that has come, by its type, and one for a call that is told. */
  public int seen;

  /** Whether the end said that nobody had answered. */
  public boolean gaveUp;

  public long queuedAt;
  public long answeredAt;
  public long endedAt;
  public long wrappedAt;
  public String queue = "";
  public String channel = "";
  public String agent = "";

  public void reset() {
    seen = 0;
    gaveUp = false;
    queuedAt = answeredAt = endedAt = wrappedAt = 0;
    queue = channel = agent = "";
  }

  /** Takes an event; false for one that has come before. */
  public boolean take(Event e) {
    int bit = 1 << e.type;
    if ((seen & (bit | TOLD)) != 0) {
      return false;
    }
    seen |= bit;
    switch (e.type) {
      case Event.QUEUED -> {
        queuedAt = e.time;
        queue = e.queue();
        channel = e.channel();
      }
      case Event.ANSWERED -> {
        answeredAt = e.time;
        agent = e.agent();
      }
      case Event.ENDED -> {
        endedAt = e.time;
        gaveUp = e.talk == Event.NONE;
      }
      default -> wrappedAt = e.time;
    }
    return true;
  }

  private boolean has(byte type) {
    return (seen & 1 << type) != 0;
  }

  /**
   * Whether all has come that will: a call that ends without an answer is over
   * if its wait says so, else four events are awaited.
   */
  public boolean whole() {
    return has(Event.QUEUED) && has(Event.ENDED) && (gaveUp || has(Event.ANSWERED) && has(Event.WRAPUP));
  }

  public boolean told() {
    return (seen & TOLD) != 0;
  }

  public void tell() {
    seen |= TOLD;
    queue = channel = agent = "";
  }

  /** The newest time that is known. */
  public long last() {
    return Math.max(Math.max(queuedAt, answeredAt), Math.max(endedAt, wrappedAt));
  }

  public byte[] fact() {
    boolean answered = has(Event.ANSWERED);
    long wait = (answered ? answeredAt : endedAt) - queuedAt;
    return (queue + '|' + channel + '|' + agent + '|' + (answered ? "answered" : "abandoned") + '|' + queuedAt + '|' + wait + '|'
        + (answered ? endedAt - answeredAt : 0) + '|' + (answered ? wrappedAt - endedAt : 0)).getBytes(StandardCharsets.ISO_8859_1);
  }

  public byte[] encode() {
    ByteBuffer b = ByteBuffer.allocate(2 + 32 + 3 + queue.length() + channel.length() + agent.length());
    b.put((byte) seen).put((byte) (gaveUp ? 1 : 0)).putLong(queuedAt).putLong(answeredAt).putLong(endedAt).putLong(wrappedAt);
    put(b, queue);
    put(b, channel);
    put(b, agent);
    return b.array();
  }

  private static void put(ByteBuffer b, String s) {
    b.put((byte) s.length()).put(s.getBytes(StandardCharsets.ISO_8859_1));
  }

  public void read(byte[] from) {
    ByteBuffer b = ByteBuffer.wrap(from);
    seen = b.get() & 0xff;
    gaveUp = b.get() != 0;
    queuedAt = b.getLong();
    answeredAt = b.getLong();
    endedAt = b.getLong();
    wrappedAt = b.getLong();
    queue = text(b);
    channel = text(b);
    agent = text(b);
  }

  private static String text(ByteBuffer b) {
    int n = b.get();
    String s = new String(b.array(), b.position(), n, StandardCharsets.ISO_8859_1);
    b.position(b.position() + n);
    return s;
  }
}
