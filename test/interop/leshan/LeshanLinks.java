import org.eclipse.leshan.client.resource.LwM2mObjectEnabler;
import org.eclipse.leshan.client.servers.LwM2mServer;
import org.eclipse.leshan.client.util.LinkFormatHelper;
import org.eclipse.leshan.core.LwM2m.LwM2mVersion;
import org.eclipse.leshan.core.link.lwm2m.LwM2mLink;
import org.eclipse.leshan.core.link.lwm2m.attributes.LwM2mAttributeSet;
import org.eclipse.leshan.core.node.LwM2mPath;

/** Discover of a resource shows what it inherits (LwM2M Core 1.1.1 section 6.3.2), which Leshan's client leaves out. */
class LeshanLinks extends LinkFormatHelper {
    LeshanLinks() {
        super(LwM2mVersion.V1_1);
    }

    @Override
    public LwM2mLink[] getResourceDescription(LwM2mServer server, LwM2mObjectEnabler object, int instance, int resource, String root) {
        LwM2mLink[] links = super.getResourceDescription(server, object, instance, resource, root);
        LwM2mAttributeSet inherited = object.getAttributesFor(server).getWithInheritance(new LwM2mPath(object.getId(), instance, resource));
        if (inherited != null) links[0] = new LwM2mLink(root, links[0].getPath(), inherited.merge(links[0].getAttributes()));
        return links;
    }
}
