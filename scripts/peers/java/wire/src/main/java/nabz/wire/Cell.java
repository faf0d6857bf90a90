package nabz.wire;

import java.nio.ByteBuffer;

/** What is counted of one minute of one queue and channel. */
public final class Cell {
  public static final int NUMBERS = 7;
  public static final int BINS = 64;
  public static final long IN_TIME = 20_000;

  static final int OFFERED = 0;
  static final int ANSWERED = 1;
  static final int IN_TIME_ANSWERED = 2;
  static final int ABANDONED = 3;
  static final int WAITED = 4;
  static final int HANDLED = 5;
  static final int TALKED = 6;

  public final long[] numbers = new long[NUMBERS];
  public final int[] waits = new int[BINS];

  /** The kinds of what a cell takes. */
  public static byte kind(Event e) {
    return switch (e.type) {
      case Event.QUEUED -> 1;
      case Event.ANSWERED -> 2;
      case Event.ENDED -> e.talk != Event.NONE ? (byte) 3 : 4;
      default -> 0;
    };
  }

  /** The length that goes with the kind, ms. */
  public static long length(Event e) {
    return switch (e.type) {
      case Event.ANSWERED -> e.wait;
      case Event.ENDED -> e.talk != Event.NONE ? e.talk : 0;
      default -> 0;
    };
  }

  public void add(byte kind, long length) {
    switch (kind) {
      case 1 -> numbers[OFFERED]++;
      case 2 -> {
        numbers[ANSWERED]++;
        numbers[WAITED] += length;
        waits[bin(length)]++;
        if (length <= IN_TIME) {
          numbers[IN_TIME_ANSWERED]++;
        }
      }
      case 3 -> {
        numbers[HANDLED]++;
        numbers[TALKED] += length;
      }
      case 4 -> numbers[ABANDONED]++;
      default -> { }
    }
  }

  public void add(Cell o) {
    for (int i = 0; i < NUMBERS; i++) {
      numbers[i] += o.numbers[i];
    }
    for (int i = 0; i < BINS; i++) {
      waits[i] += o.waits[i];
    }
  }

  /** Two buckets for every doubling: those of Nabz, sixteen together. */
  static int bin(long ms) {
    long v = Math.min(ms, (1L << 36) - 1);
    int fine;
    if (v < 32) {
      fine = (int) Math.max(v, 0);
    } else {
      int shift = 64 - Long.numberOfLeadingZeros(v) - 6;
      fine = 32 * shift + (int) (v >> shift);
    }
    return fine / 16;
  }

  /** The numbers as eight bytes each, then the buckets that are not empty. */
  public byte[] encode() {
    int n = 0;
    for (int w : waits) {
      if (w != 0) {
        n++;
      }
    }
    ByteBuffer b = ByteBuffer.allocate(8 * NUMBERS + 5 * n);
    for (long v : numbers) {
      b.putLong(v);
    }
    for (int i = 0; i < BINS; i++) {
      if (waits[i] != 0) {
        b.put((byte) i).putInt(waits[i]);
      }
    }
    return b.array();
  }

  public static Cell decode(byte[] from) {
    Cell c = new Cell();
    ByteBuffer b = ByteBuffer.wrap(from);
    for (int i = 0; i < NUMBERS; i++) {
      c.numbers[i] = b.getLong();
    }
    while (b.hasRemaining()) {
      c.waits[b.get()] = b.getInt();
    }
    return c;
  }
}
