import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.eclipse.leshan.client.resource.LwM2mInstanceEnabler;
import org.eclipse.leshan.client.resource.LwM2mObjectEnabler;
import org.eclipse.leshan.client.resource.ObjectEnabler;
import org.eclipse.leshan.client.resource.ObjectsInitializer;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.model.ObjectLoader;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.model.StaticModel;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.node.ObjectLink;
import org.eclipse.leshan.core.request.CreateRequest;
import org.eclipse.leshan.core.request.ReadRequest;
import org.eclipse.leshan.core.request.WriteAttributesRequest;
import org.eclipse.leshan.core.request.WriteRequest;
import org.eclipse.leshan.core.request.argument.Arguments;
import org.eclipse.leshan.core.response.CreateResponse;
import org.eclipse.leshan.core.response.ExecuteResponse;
import org.eclipse.leshan.core.response.ReadResponse;
import org.eclipse.leshan.core.response.WriteAttributesResponse;
import org.eclipse.leshan.core.response.WriteResponse;
import org.eclipse.leshan.core.util.datatype.ULong;

/** The device's objects and the values they start with: 0 to 7, and those of the object files that it is given. */
class LeshanObjects extends ObjectsInitializer {
    private static final int SECURITY = 0;
    private static final int REBOOT = 4;
    private static final int RESET_ERROR_CODE = 12;

    LeshanObjects(String ddfs, Map<String, String> options) throws Exception {
        super(new StaticModel(models(ddfs)));
        LeshanAccounts accounts = new LeshanAccounts(options);
        setInstancesForObject(SECURITY, accounts.all());
        setClassForObject(1, LeshanServer.class);
        if (accounts.hasServer()) setInstancesForObject(1, server(options));
        setClassForObject(2, LeshanInstance.class);
        LeshanInstance device = device();
        setInstancesForObject(3, device);
        setInstancesForObject(4, new LeshanInstance(0, 0, 21L, 1, Map.of(0, 21L, 1, 41L), 2, -81L, 3, 60L, 4,
                Map.of(0, "192.0.2.7", 1, "2001:db8::7"), 5, Map.of(0, "192.0.2.1"), 6, 3L, 7, Map.of(0, "iot.example"), 8, 117L, 9, 1L, 10, 262L));
        setInstancesForObject(5, new LeshanFirmware(device));
        setInstancesForObject(6, new LeshanInstance(0, 0, 43.5723, 1, 153.2176, 2, 140.0, 3, 100.0, 4, bytes("0"), 5, time(1_367_491_215), 6, 3.0));
        setInstancesForObject(7, new Statistics(0, 0, 4L, 1, 2L, 2, 900L, 3, 700L, 4, 512L, 5, 128L, 8, 0L));
        setInstances(10, new LeshanInstance(0, 4, 3600L, 5, 600L, 8, bytes("\5"), 9, bytes("\13"), 11, Map.of(0, new ObjectLink(11, 0)),
                13, ULong.valueOf(3), 14, ULong.valueOf(1)));
        setInstances(11, new Apn(0, 0, "first", 3, true, 4, 3L));
        setInstances(13);
        setInstances(16, new LeshanInstance(0, 0, Map.of(0, "Host Device ID #1", 1, "Host Device Manufacturer #1", 2, "Host Device Model #1", 3,
                "Host Device Software Version #1")));
        setInstances(19, new LeshanInstance(0, 0, Map.of(0, bytes("{\"meter\":1}"))), new LeshanInstance(1, 0, Map.of(0, bytes("n/a"))));
        setInstances(20, new LeshanInstance(0, 4010, 0L, 4011, "0,100", 4013, 3L, 4014, bytes("\0log")));
        setInstances(3303, new LeshanInstance(0, 5700, 20.0, 5701, "Cel"));
    }

    private static List<ObjectModel> models(String ddfs) throws Exception {
        List<ObjectModel> models = new ArrayList<>(ObjectLoader.loadDefault());
        for (String ddf : ddfs.split(",")) {
            try (InputStream file = Files.newInputStream(Path.of(ddf))) {
                models.addAll(ObjectLoader.loadDdfFile(file, ddf));
            }
        }
        return models;
    }

    private void setInstances(int object, LwM2mInstanceEnabler... instances) {
        if (model.getObjectModel(object) == null) return;
        setClassForObject(object, instances.length == 0 ? LeshanInstance.class : instances[0].getClass());
        if (instances.length > 0) setInstancesForObject(object, instances);
    }

    @Override
    protected LwM2mObjectEnabler createNodeEnabler(ObjectModel objectModel) {
        ObjectEnabler made = (ObjectEnabler) super.createNodeEnabler(objectModel);
        Map<Integer, LwM2mInstanceEnabler> instances = new HashMap<>();
        for (int id : made.getAvailableInstanceIds()) instances.put(id, made.getInstance(id));
        return new Guarded(made, instances, this);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static Date time(long seconds) {
        return new Date(seconds * 1000);
    }

    private static LeshanServer server(Map<String, String> options) {
        long lifetime = Long.parseLong(options.getOrDefault("lifetime", "300"));
        long disabled = Long.parseLong(options.getOrDefault("disabled", "86400"));
        return new LeshanServer(0, 0, 1L, 1, lifetime, 2, 1L, 3, 10L, 5, disabled, 6, false, 7, "U", 23, false);
    }

    private static LeshanInstance device() {
        return new Board(0, 0, "Leshan", 1, "client-cf", 2, "L-1", 3, "1.0.0", 6, Map.of(0, 1L, 1, 2L), 7, Map.of(0, 3800L, 1, 4200L), 8,
                Map.of(0, 120L, 1, 80L), 9, 77L, 10, 512L, 11, Map.of(0, 0L), 13, time(1_700_000_000), 14, "+00:00", 15, "Etc/UTC", 16, "U", 17,
                "sensor", 18, "A2", 19, "3.1", 20, 0L, 21, 1024L, 22, Map.of(0, new ObjectLink(4, 0)));
    }

    /** Device Object. */
    public static class Board extends LeshanInstance {
        public Board() {
        }

        Board(int id, Object... values) {
            super(id, values);
        }

        @Override
        protected boolean executes(int resource) {
            return resource == REBOOT || resource == RESET_ERROR_CODE;
        }

        @Override
        public ExecuteResponse execute(LwM2mServer server, int resource, Arguments arguments) {
            if (resource == REBOOT) LeshanPower.restart(getLwM2mClient(), false, 0);
            return super.execute(server, resource, arguments);
        }
    }

    /** APN Connection Profile Object: a profile that is enabled stands in the list of Cellular Connectivity. */
    public static class Apn extends LeshanInstance {
        private static final int ENABLE_STATUS = 3;

        public Apn() {
        }

        Apn(int id, Object... values) {
            super(id, values);
        }

        @Override
        public WriteResponse write(LwM2mServer server, boolean replace, int resource, LwM2mResource value) {
            WriteResponse response = super.write(server, replace, resource, value);
            LwM2mObjectEnabler cellular = getLwM2mClient().getObjectTree().getObjectEnabler(10);
            if (resource == ENABLE_STATUS && (Boolean) value.getValue() && cellular != null) {
                ((LeshanInstance) ((ObjectEnabler) cellular).getInstance(0)).setText(new LwM2mPath(10, 0, 11, getId()), "11:" + getId(), true);
            }
            return response;
        }
    }

    /** Connectivity Statistics Object: Start begins anew. */
    public static class Statistics extends LeshanInstance {
        private static final int START = 6;

        public Statistics() {
        }

        Statistics(int id, Object... values) {
            super(id, values);
        }

        @Override
        public ExecuteResponse execute(LwM2mServer server, int resource, Arguments arguments) {
            if (resource == START) set(0, 0L, 1, 0L, 2, 0L, 3, 0L, 4, 0L, 5, 0L);
            return super.execute(server, resource, arguments);
        }
    }

    /** What Leshan's own object enabler does not refuse: the Security Object to servers, a second instance of an object that has one. */
    private static class Guarded extends ObjectEnabler {
        Guarded(ObjectEnabler made, Map<Integer, LwM2mInstanceEnabler> instances, LeshanObjects objects) {
            super(made.getId(), made.getObjectModel(), instances, objects.getFactoryFor(made.getObjectModel()),
                    objects.getContentFormat(made.getId()));
        }

        private boolean isClosedTo(LwM2mServer server) {
            return id == SECURITY && server.isLwm2mServer();
        }

        @Override
        public synchronized ReadResponse read(LwM2mServer server, ReadRequest request) {
            return isClosedTo(server) ? ReadResponse.unauthorized() : super.read(server, request);
        }

        @Override
        public synchronized WriteResponse write(LwM2mServer server, WriteRequest request) {
            return isClosedTo(server) ? WriteResponse.unauthorized() : super.write(server, request);
        }

        @Override
        public synchronized WriteAttributesResponse writeAttributes(LwM2mServer server, WriteAttributesRequest request) {
            return isClosedTo(server) ? WriteAttributesResponse.unauthorized() : super.writeAttributes(server, request);
        }

        @Override
        public synchronized CreateResponse create(LwM2mServer server, CreateRequest request) {
            boolean isFull = !getObjectModel().multiple && !getAvailableInstanceIds().isEmpty();
            return isFull ? CreateResponse.methodNotAllowed() : super.create(server, request);
        }
    }
}
