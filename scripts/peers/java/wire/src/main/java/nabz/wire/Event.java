package nabz.wire;

import java.nio.charset.StandardCharsets;

/**
 * What the workloads need of an event, read by hand from the Protobuf message
 * that Nabz reads too, so that engines are compared and not parsers. An object
 * is used again for the next message.
 */
public final class Event {
  public static final byte PULSE = 0;
  public static final byte QUEUED = 1;
  public static final byte ANSWERED = 2;
  public static final byte ENDED = 3;
  public static final byte WRAPUP = 4;
  public static final byte OTHER = 5;

  /** What is not said. */
  public static final long NONE = -1;

  public byte type;
  public long time;
  public long wait;
  public long talk;
  public long wrapup;

  private byte[] buf;
  private int at;
  private int queueAt;
  private int queueLen;
  private int channelAt;
  private int channelLen;
  private int agentAt;
  private int agentLen;
  private int contactAt;
  private int contactLen;

  /** Reads a message; fields that no workload needs are passed over. */
  public void read(byte[] b) {
    buf = b;
    at = 0;
    type = OTHER;
    time = 0;
    wait = talk = wrapup = NONE;
    queueLen = channelLen = agentLen = contactLen = 0;
    while (at < b.length) {
      int tag = (int) varint();
      switch (tag & 7) {
        case 0 -> number(tag >>> 3, varint());
        case 1 -> at += 8;
        case 2 -> {
          int n = (int) varint();
          text(tag >>> 3, n);
          at += n;
        }
        case 5 -> at += 4;
        default -> throw new IllegalArgumentException("wire type of tag " + tag);
      }
    }
  }

  private void number(int field, long raw) {
    long v = (raw >>> 1) ^ -(raw & 1);
    switch (field) {
      case 7 -> time = v;
      case 130 -> wait = v;
      case 131 -> talk = v;
      case 133 -> wrapup = v;
      default -> { }
    }
  }

  private void text(int field, int n) {
    switch (field) {
      case 3 -> type = typeOf(n);
      case 13 -> { contactAt = at; contactLen = n; }
      case 103 -> { agentAt = at; agentLen = n; }
      case 104 -> { queueAt = at; queueLen = n; }
      case 106 -> { channelAt = at; channelLen = n; }
      default -> { }
    }
  }

  /** The types that come differ in their length. */
  private byte typeOf(int n) {
    return switch (n) {
      case 10 -> PULSE; // nabz.pulse
      case 14 -> QUEUED; // contact.queued
      case 16 -> ANSWERED; // contact.answered
      case 13 -> ENDED; // contact.ended
      case 20 -> WRAPUP; // contact.wrapup_ended
      default -> OTHER;
    };
  }

  private long varint() {
    long v = 0;
    for (int shift = 0; ; shift += 7) {
      byte c = buf[at++];
      v |= (long) (c & 0x7f) << shift;
      if (c >= 0) {
        return v;
      }
    }
  }

  public String contact() { return word(contactAt, contactLen); }

  public String queue() { return word(queueAt, queueLen); }

  public String channel() { return word(channelAt, channelLen); }

  public String agent() { return word(agentAt, agentLen); }

  /** Queue and channel, the key of what is counted. */
  public String group() {
    byte[] b = new byte[queueLen + 1 + channelLen];
    System.arraycopy(buf, queueAt, b, 0, queueLen);
    b[queueLen] = '|';
    System.arraycopy(buf, channelAt, b, queueLen + 1, channelLen);
    return new String(b, StandardCharsets.ISO_8859_1);
  }

  private String word(int from, int n) {
    return new String(buf, from, n, StandardCharsets.ISO_8859_1);
  }

  /** The event's time without the rest: what extractors of timestamps need. */
  public static long timeOf(byte[] b) {
    int at = 0;
    while (at < b.length) {
      int tag = 0;
      for (int shift = 0; ; shift += 7) {
        byte c = b[at++];
        tag |= (c & 0x7f) << shift;
        if (c >= 0) {
          break;
        }
      }
      if ((tag & 7) == 1) {
        at += 8;
        continue;
      }
      long v = 0;
      for (int shift = 0; ; shift += 7) {
        byte c = b[at++];
        v |= (long) (c & 0x7f) << shift;
        if (c >= 0) {
          break;
        }
      }
      if (tag >>> 3 == 7) {
        return (v >>> 1) ^ -(v & 1);
      }
      if ((tag & 7) == 2) {
        at += (int) v;
      }
    }
    return 0;
  }
}
