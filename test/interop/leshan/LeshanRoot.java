import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import org.eclipse.leshan.client.LeshanClient;
import org.eclipse.leshan.client.LeshanClientBuilder;
import org.eclipse.leshan.client.bootstrap.BootstrapConsistencyChecker;
import org.eclipse.leshan.client.endpoint.LwM2mClientEndpointsProvider;
import org.eclipse.leshan.client.engine.RegistrationEngineFactory;
import org.eclipse.leshan.client.resource.LwM2mObjectEnabler;
import org.eclipse.leshan.client.resource.LwM2mObjectTree;
import org.eclipse.leshan.client.resource.LwM2mRootEnabler;
import org.eclipse.leshan.client.resource.RootEnabler;
import org.eclipse.leshan.client.send.DataSender;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.client.util.LinkFormatHelper;
import org.eclipse.leshan.core.link.LinkSerializer;
import org.eclipse.leshan.core.link.lwm2m.attributes.LwM2mAttributeParser;
import org.eclipse.leshan.core.node.LwM2mPath;
import org.eclipse.leshan.core.node.codec.LwM2mDecoder;
import org.eclipse.leshan.core.node.codec.LwM2mEncoder;
import org.eclipse.leshan.core.request.ReadCompositeRequest;
import org.eclipse.leshan.core.response.ReadCompositeResponse;

/** Read-Composite of "/", which Leshan's client answers with "Not implemented yet". */
class LeshanRoot extends RootEnabler {
    /** Security, OSCORE, COSE: no server sees them (LwM2M Core 1.1.1 section 6.3.8). */
    private static final Set<Integer> HIDDEN = Set.of(0, 21, 23);
    private final LwM2mObjectTree tree;

    LeshanRoot(LwM2mObjectTree tree) {
        super(tree);
        this.tree = tree;
    }

    @Override
    public ReadCompositeResponse read(LwM2mServer server, ReadCompositeRequest request) {
        if (request.getPaths().size() != 1 || !request.getPaths().get(0).isRoot()) return super.read(server, request);
        List<LwM2mPath> objects = new ArrayList<>();
        for (LwM2mObjectEnabler object : tree.getObjectEnablers().values()) {
            boolean isShown = !HIDDEN.contains(object.getId()) && !object.getAvailableInstanceIds().isEmpty();
            if (isShown) objects.add(new LwM2mPath(object.getId()));
        }
        return super.read(server, new ReadCompositeRequest(objects, request.getRequestContentFormat(), request.getResponseContentFormat(),
                request.getCoapRequest()));
    }

    static class Builder extends LeshanClientBuilder {
        Builder(String endpoint) {
            super(endpoint);
        }

        @Override
        protected LeshanClient createLeshanClient(String endpoint, List<? extends LwM2mObjectEnabler> objects, List<DataSender> senders,
                List<Certificate> trustStore, RegistrationEngineFactory engine, BootstrapConsistencyChecker checker,
                Map<String, String> attributes, Map<String, String> bootstrapAttributes, LwM2mEncoder encoder, LwM2mDecoder decoder,
                ScheduledExecutorService executor, LinkSerializer serializer, LinkFormatHelper links, LwM2mAttributeParser parser,
                LwM2mClientEndpointsProvider endpoints) {
            return new LeshanClient(endpoint, objects, senders, trustStore, engine, checker, attributes, bootstrapAttributes, encoder, decoder,
                    executor, serializer, links, parser, endpoints) {
                @Override
                protected LwM2mRootEnabler createRootEnabler(LwM2mObjectTree tree) {
                    return new LeshanRoot(tree);
                }
            };
        }
    }
}
