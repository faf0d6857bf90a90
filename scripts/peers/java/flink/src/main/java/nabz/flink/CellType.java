package nabz.flink;

import java.io.IOException;
import nabz.wire.Cell;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Cells for Flink's state, in their compact form. */
final class CellType extends TypeInformation<Cell> {
  @Override
  public boolean isBasicType() {
    return false;
  }

  @Override
  public boolean isTupleType() {
    return false;
  }

  @Override
  public int getArity() {
    return 1;
  }

  @Override
  public int getTotalFields() {
    return 1;
  }

  @Override
  public Class<Cell> getTypeClass() {
    return Cell.class;
  }

  @Override
  public boolean isKeyType() {
    return false;
  }

  @Override
  public TypeSerializer<Cell> createSerializer(SerializerConfig config) {
    return Form.INSTANCE;
  }

  @Override
  public String toString() {
    return "Cell";
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof CellType;
  }

  @Override
  public int hashCode() {
    return 1;
  }

  @Override
  public boolean canEqual(Object o) {
    return o instanceof CellType;
  }

  /** The form. */
  public static final class Form extends TypeSerializerSingleton<Cell> {
    static final Form INSTANCE = new Form();

    @Override
    public boolean isImmutableType() {
      return false;
    }

    @Override
    public Cell createInstance() {
      return new Cell();
    }

    @Override
    public Cell copy(Cell from) {
      Cell c = new Cell();
      c.add(from);
      return c;
    }

    @Override
    public Cell copy(Cell from, Cell reuse) {
      return copy(from);
    }

    @Override
    public int getLength() {
      return -1;
    }

    @Override
    public void serialize(Cell c, DataOutputView to) throws IOException {
      byte[] b = c.encode();
      to.writeShort(b.length);
      to.write(b);
    }

    @Override
    public Cell deserialize(DataInputView from) throws IOException {
      byte[] b = new byte[from.readUnsignedShort()];
      from.readFully(b);
      return Cell.decode(b);
    }

    @Override
    public Cell deserialize(Cell reuse, DataInputView from) throws IOException {
      return deserialize(from);
    }

    @Override
    public void copy(DataInputView from, DataOutputView to) throws IOException {
      serialize(deserialize(from), to);
    }

    @Override
    public TypeSerializerSnapshot<Cell> snapshotConfiguration() {
      return new Snapshot();
    }

    /** Its snapshot. */
    public static final class Snapshot extends SimpleTypeSerializerSnapshot<Cell> {
      public Snapshot() {
        super(() -> INSTANCE);
      }
    }
  }
}
