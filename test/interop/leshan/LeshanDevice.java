import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.eclipse.leshan.client.LeshanClient;
import org.eclipse.leshan.client.engine.DefaultRegistrationEngineFactory;
import org.eclipse.leshan.client.resource.LwM2mObjectEnabler;
import org.eclipse.leshan.client.resource.ObjectEnabler;
import org.eclipse.leshan.client.send.ManualDataSender;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.request.ContentFormat;

/**
 * A device on Leshan's client library, driven line by line: `java -cp CLASSPATH LeshanDevice name=value ...` with `endpoint`,
 * `ddf` (object files, with commas between), `server` or `bootstrap` (a URI), `lifetime`, `queue`, `disabled` (Disable Timeout), `margin` and what
 * LeshanAccounts.java reads. README.md names what standard input takes and what standard output tells.
 */
public class LeshanDevice {
    private static final LwM2mPath TEMPERATURE = new LwM2mPath(3303, 0, 5700);
    private static final long SEND_TIMEOUT_MS = 5000;

    private final Map<String, String> options;
    private final ManualDataSender sender = new ManualDataSender();
    private final LeshanClient client;

    LeshanDevice(Map<String, String> options) throws Exception {
        this.options = options;
        LeshanAccounts accounts = new LeshanAccounts(options);
        DefaultRegistrationEngineFactory engine = new DefaultRegistrationEngineFactory().setRetryWaitingTimeInMs(1000)
                .setRequestTimeoutInMs(Long.parseLong(options.getOrDefault("timeout", "120000")))
                .setReconnectOnUpdate(options.containsKey("reconnects"));
        engine.setQueueMode(options.containsKey("queue"));
        client = new LeshanRoot.Builder(options.get("endpoint"))
                .setObjects(new LeshanObjects(options.get("ddf"), options).createAll())
                .setDataSenders(sender)
                .setTrustStore(accounts.trusted())
                .setEndpointsProviders(accounts.endpoints())
                .setRegistrationEngineFactory(engine)
                .setLinkFormatHelper(new LeshanLinks())
                .build();
        client.addObserver(new LeshanTeller());
        client.start();
    }

    private LeshanInstance instanceAt(LwM2mPath path) {
        LwM2mObjectEnabler object = client.getObjectTree().getObjectEnabler(path.getObjectId());
        return (LeshanInstance) ((ObjectEnabler) object).getInstance(path.getObjectInstanceId());
    }

    private void collect(String celsius) {
        instanceAt(TEMPERATURE).put(TEMPERATURE.getResourceId(), Double.valueOf(celsius));
        sender.collectData(List.of(TEMPERATURE));
        // Measurements have milliseconds, rounded: values more than one apart never share one.
        long nextAtNs = System.nanoTime() + 2_000_000;
        while (System.nanoTime() < nextAtNs) Thread.onSpinWait();
    }

    /** @param paths what is sent as it is now; none: what was collected */
    private void send(ContentFormat format, List<String> paths) throws Exception {
        LeshanInstance account = (LeshanInstance) ((ObjectEnabler) client.getObjectTree().getObjectEnabler(1)).getInstance(0);
        if (((LeshanServer) account).isSendMuted()) {
            LeshanTeller.tell("muted");
            return;
        }
        for (LwM2mServer server : client.getRegisteredServers().values()) {
            if (paths.isEmpty()) sender.sendCollectedData(server, format, SEND_TIMEOUT_MS, false);
            else LeshanTeller.tell("answered " + client.getSendService().sendData(server, format, paths, SEND_TIMEOUT_MS).getCode());
            LeshanTeller.tell("sent");
        }
    }

    private void obey(List<String> words) throws Exception {
        String argument = words.size() > 1 ? words.get(1) : "";
        switch (words.get(0)) {
            case "temperature":
                instanceAt(TEMPERATURE).set(TEMPERATURE.getResourceId(), Double.valueOf(argument));
                break;
            case "set":
            case "hold":
                LwM2mPath path = new LwM2mPath(argument);
                instanceAt(path).setText(path, words.get(2), words.get(0).equals("set"));
                break;
            case "collect":
                collect(argument);
                break;
            case "send":
                send(ContentFormat.fromName(argument), words.subList(2, words.size()));
                break;
            case "update":
                client.triggerRegistrationUpdate();
                break;
            case "bootstrap":
                client.triggerClientInitiatedBootstrap(true);
                break;
            default:
                throw new IllegalArgumentException(words.toString());
        }
    }

    private static Map<String, String> read(List<String> named) {
        return named.stream().map(each -> each.split("=", 2)).collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
    }

    /** The same device with other options, its objects as they were at first. */
    private LeshanDevice replacedBy(List<String> named) throws Exception {
        client.destroy(true);
        Map<String, String> changed = new HashMap<>(options);
        changed.putAll(read(named));
        return new LeshanDevice(changed);
    }

    public static void main(String[] args) throws Exception {
        LeshanDevice device = new LeshanDevice(read(Arrays.asList(args)));
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null && !line.equals("stop"); line = input.readLine()) {
            List<String> words = new ArrayList<>(Arrays.asList(line.trim().split(" ")));
            if (words.get(0).equals("replace")) device = device.replacedBy(words.subList(1, words.size()));
            else device.obey(words);
        }
        device.client.destroy(true);
        System.exit(0);
    }
}
