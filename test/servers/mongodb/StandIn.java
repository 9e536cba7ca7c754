// A stand-in for MongoDB: speaks its protocol, keeps documents in one H2 file: `java StandIn PORT FILE`.
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.List;
import org.h2.mvstore.MVStore;

public final class StandIn extends H2Backend {
  private StandIn(MVStore store) {
    super(store);
    version(new OldestThatDriversTake());
  }

  /** Commits before each answer to a write, so that kill -9 loses nothing that was acknowledged. */
  @Override
  public Document handleMessage(MongoMessage message) {
    Document answer = super.handleMessage(message);
    if (getMvStore().hasUnsavedChanges()) commit();
    return answer;
  }

  /** The newest that the server knows of itself has wire version 8; drivers of today ask for 9, MongoDB 4.4. */
  private static final class OldestThatDriversTake implements MongoVersion {
    @Override
    public List<Integer> getVersionArray() {
      return List.of(4, 4, 0);
    }

    @Override
    public int getWireVersion() {
      return 9;
    }
  }

  public static void main(String[] args) {
    MVStore store = new MVStore.Builder().fileName(args[1]).autoCommitDisabled().open();
    new MongoServer(new StandIn(store)).bind("127.0.0.1", Integer.parseInt(args[0]));
  }
}
