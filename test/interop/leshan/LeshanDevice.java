import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.eclipse.leshan.client.LeshanClient;
import org.eclipse.leshan.client.LeshanClientBuilder;
import org.eclipse.leshan.client.engine.DefaultRegistrationEngineFactory;
import org.eclipse.leshan.client.object.Device;
import org.eclipse.leshan.client.object.Server;
import org.eclipse.leshan.client.observer.LwM2mClientObserverAdapter;
import org.eclipse.leshan.client.resource.BaseInstanceEnabler;
import org.eclipse.leshan.client.resource.ObjectsInitializer;
import org.eclipse.leshan.client.resource.SimpleInstanceEnabler;
import org.eclipse.leshan.client.send.ManualDataSender;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.core.ResponseCode;
import org.eclipse.leshan.core.model.ObjectLoader;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.model.StaticModel;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.LwM2mResource;
import org.eclipse.leshan.core.request.BindingMode;
import org.eclipse.leshan.core.request.BootstrapRequest;
import org.eclipse.leshan.core.request.ContentFormat;
import org.eclipse.leshan.core.request.DeregisterRequest;
import org.eclipse.leshan.core.request.RegisterRequest;
import org.eclipse.leshan.core.request.UpdateRequest;
import org.eclipse.leshan.core.request.argument.Arguments;
import org.eclipse.leshan.core.response.ExecuteResponse;
import org.eclipse.leshan.core.response.ReadResponse;
import org.eclipse.leshan.core.response.WriteResponse;

/**
 * A device on Leshan's client library, driven line by line: `java -cp CLASSPATH LeshanDevice name=value ...` with `endpoint`,
 * `ddf` (3303.xml), `server` or `bootstrap` (a URI), `lifetime` and what LeshanAccounts.java reads. Standard input takes
 * `temperature 21.5`, `collect 21.5`, `send SENML_CBOR`, `update`, `bootstrap`, `stop`; standard output tells what happens, one
 * word first.
 */
public class LeshanDevice {
    private static final int VALUE = 5700;

    /** Device object: Leshan's own, telling what the server does to it. */
    public static class ToldDevice extends Device {
        public ToldDevice() {
            super("Leshan", "client-cf", "L-1", EnumSet.of(BindingMode.U));
        }

        @Override
        public WriteResponse write(LwM2mServer server, boolean replace, int resource, LwM2mResource value) {
            WriteResponse response = super.write(server, replace, resource, value);
            tell("written /3/0/" + resource + " " + value.getValue() + " " + response.getCode());
            return response;
        }

        @Override
        public ExecuteResponse execute(LwM2mServer server, int resource, Arguments arguments) {
            tell("executed /3/0/" + resource);
            return resource == 4 ? ExecuteResponse.success() : ExecuteResponse.notFound();
        }
    }

    public static class Temperature extends BaseInstanceEnabler {
        private static final int UNITS = 5701;
        private volatile double celsius = 20;

        void set(double value) {
            celsius = value;
            fireResourceChange(VALUE);
        }

        void setQuietly(double value) {
            celsius = value;
        }

        @Override
        public ReadResponse read(LwM2mServer server, int resource) {
            if (resource == VALUE) return ReadResponse.success(resource, celsius);
            if (resource == UNITS) return ReadResponse.success(resource, "Cel");
            return super.read(server, resource);
        }

        @Override
        public List<Integer> getAvailableResourceIds(ObjectModel model) {
            return Arrays.asList(VALUE, UNITS);
        }
    }

    static synchronized void tell(String line) {
        System.out.println(line);
        System.out.flush();
    }

    static class Teller extends LwM2mClientObserverAdapter {
        @Override
        public void onRegistrationSuccess(LwM2mServer server, RegisterRequest request, String id) {
            tell("registered " + id);
        }

        @Override
        public void onRegistrationFailure(LwM2mServer server, RegisterRequest request, ResponseCode code, String text, Exception cause) {
            tell("refused " + code + " " + text + " " + cause);
        }

        @Override
        public void onRegistrationTimeout(LwM2mServer server, RegisterRequest request) {
            tell("unanswered " + server.getUri());
        }

        @Override
        public void onBootstrapStarted(LwM2mServer server, BootstrapRequest request) {
            tell("bootstrapping " + server.getUri());
        }

        @Override
        public void onBootstrapSuccess(LwM2mServer server, BootstrapRequest request) {
            tell("bootstrapped " + server.getUri());
        }

        @Override
        public void onBootstrapFailure(LwM2mServer server, BootstrapRequest request, ResponseCode code, String text, Exception cause) {
            tell("unbootstrapped " + code + " " + text + " " + cause);
        }

        @Override
        public void onBootstrapTimeout(LwM2mServer server, BootstrapRequest request) {
            tell("unbootstrapped timeout");
        }

        @Override
        public void onUpdateFailure(LwM2mServer server, UpdateRequest request, ResponseCode code, String text, Exception cause) {
            tell("not updated " + code + " " + text + " " + cause);
        }

        @Override
        public void onUpdateSuccess(LwM2mServer server, UpdateRequest request) {
            tell("updated");
        }

        @Override
        public void onDeregistrationSuccess(LwM2mServer server, DeregisterRequest request) {
            tell("deregistered");
        }
    }

    static List<ObjectModel> models(String ddf) throws Exception {
        List<ObjectModel> models = new ArrayList<>(ObjectLoader.loadDefault());
        try (InputStream file = Files.newInputStream(Path.of(ddf))) {
            models.addAll(ObjectLoader.loadDdfFile(file, ddf));
        }
        return models;
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> options = Arrays.stream(args).map(argument -> argument.split("=", 2))
                .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
        LeshanAccounts accounts = new LeshanAccounts(options);
        Temperature temperature = new Temperature();
        ObjectsInitializer objects = new ObjectsInitializer(new StaticModel(models(options.get("ddf"))));
        if (accounts.isBootstrapped()) {
            objects.setInstancesForObject(0, accounts.bootstrapServer());
            objects.setClassForObject(1, Server.class);
        } else {
            objects.setInstancesForObject(0, accounts.server());
            objects.setInstancesForObject(1, new Server(1, Long.parseLong(options.getOrDefault("lifetime", "300"))));
        }
        objects.setClassForObject(2, SimpleInstanceEnabler.class);
        objects.setInstancesForObject(3, new ToldDevice());
        objects.setInstancesForObject(3303, temperature);
        ManualDataSender sender = new ManualDataSender();
        LeshanClient client = new LeshanClientBuilder(options.get("endpoint")).setObjects(objects.createAll())
                .setDataSenders(sender)
                .setTrustStore(accounts.trusted())
                .setEndpointsProviders(accounts.endpoints())
                .setRegistrationEngineFactory(new DefaultRegistrationEngineFactory().setRetryWaitingTimeInMs(1000)
                        .setRequestTimeoutInMs(Long.parseLong(options.getOrDefault("timeout", "120000")))
                        .setReconnectOnUpdate(options.containsKey("reconnects")))
                .build();
        client.addObserver(new Teller());
        client.start();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null && !line.equals("stop"); line = input.readLine()) {
            String[] words = line.trim().split(" ");
            if (words[0].equals("temperature")) temperature.set(Double.parseDouble(words[1]));
            if (words[0].equals("collect")) {
                temperature.setQuietly(Double.parseDouble(words[1]));
                sender.collectData(List.of(new LwM2mPath(3303, 0, VALUE)));
                // Measurements have milliseconds, rounded: values more than one apart never share one.
                long nextAtNs = System.nanoTime() + 2_000_000;
                while (System.nanoTime() < nextAtNs) Thread.onSpinWait();
            }
            if (words[0].equals("send")) {
                for (LwM2mServer server : client.getRegisteredServers().values()) {
                    sender.sendCollectedData(server, ContentFormat.fromName(words[1]), 5000, false);
                    tell("sent");
                }
            }
            if (words[0].equals("update")) client.triggerRegistrationUpdate();
            if (words[0].equals("bootstrap")) client.triggerClientInitiatedBootstrap(true);
        }
        client.destroy(true);
        System.exit(0);
    }
}
